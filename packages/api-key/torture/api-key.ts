// Keys are issued, used, rotated and revoked at random, and everything is shown to the check that somebody could make of them: cut,
// bit-flipped at every byte, grown, glued together, given new checksums, or made of nothing.

import { createManualClock } from "@holdfast/core";
import type { Random, Torture } from "@holdfast/testing/torture";
import { formatChecksum } from "../src/base62.ts";
import { finishCrc32, sumCrc32 } from "../src/crc32.ts";
import { ApiKeyError, type ApiKeys, createApiKeys, memoryKeyStore, type Verification } from "../src/index.ts";

const START = 1_800_000_000_000;
const HOUR = 3_600_000;
const ENVIRONMENTS = ["live", "test", "eu"];
const SCOPES = ["datasets:read", "datasets:*", "*:read", "reports:write", "*:*"];

/** What is issued, as whoever issues it knows it. */
interface Issued {
  readonly id: string;
  readonly environment: string;
  endsAt: number;
  isRevoked: boolean;
  hasSuccessor: boolean;
}

export const torture: Torture = {
  name: "nothing is accepted that was not issued, and nothing is thrown that is not ours",
  sample: 5,

  async run(random, { log }) {
    const clock = createManualClock(START);
    const prefix = random.pick(["acme", "ac", "acme_eu", "a1_b2_c3"]);
    const pepper = (id: string) => ({ id, key: random.bytes(32) });
    const peppers = random.chance(0.5) ? [] : [pepper("p1"), pepper("p2")];
    const options = { prefix, clock, environments: ENVIRONMENTS, store: memoryKeyStore({ clock }) };
    log(JSON.stringify({ prefix, peppers: peppers.length }));
    // Two services on one store, of which one has the peppers in another order.
    const services = [peppers, peppers.toReversed()].map((ring) =>
      createApiKeys({ ...options, peppers: ring, random: random.bytes }),
    );
    const issued = new Map<string, Issued>();

    for (let left = random.int(20, 60); left > 0; left--) {
      const keys = random.pick(services);
      await change(keys, issued, random, clock.now());
      clock.advance(random.pick([0, 1, HOUR / 2, HOUR]));
      const texts = [...issued.keys()];
      const [text, other] = [random.pick(texts), random.pick(texts)];
      for (const shown of [...texts, ...distortions(text, other, random)])
        check(shown, await keys.verify(shown), issued, clock.now());
      for (const strange of [undefined, null, 7, {}, [text], Symbol("key"), () => text, Object(text)]) {
        const outcome = await keys.verify(strange as string | undefined);
        if (outcome.ok) throw new Error(`a ${typeof strange} was accepted`);
      }
    }
    for (const keys of services) await keys.close();
    for (const text of issued.keys()) check(text, await random.pick(services).verify(text), issued, clock.now());
  },
};

/** Issues, rotates or revokes. What is thrown must be ours, and right. */
async function change(keys: ApiKeys, issued: Map<string, Issued>, random: Random, now: number): Promise<void> {
  const remember = (text: string, id: string, environment: string, expiresAt: number | null): void => {
    if (issued.has(text)) throw new Error("a key was issued twice");
    const endsAt = expiresAt ?? Number.POSITIVE_INFINITY;
    issued.set(text, { id, environment, endsAt, isRevoked: false, hasSuccessor: false });
  };
  if (issued.size === 0 || random.chance(0.4)) {
    const { text, key } = await keys.create({
      name: "torture",
      owner: `owner ${random.int(0, 3)}`,
      environment: random.pick(ENVIRONMENTS),
      scopes: SCOPES.filter(() => random.chance(0.4)),
      ...(random.chance(0.5) && { expiresIn: random.int(1, 5 * HOUR) }),
    });
    remember(text.reveal(), key.id, key.environment, key.expiresAt);
    return;
  }
  const one = random.pick([...issued.values()]);
  if (random.chance(0.5)) {
    await keys.revoke(one.id, { because: "torture" });
    one.isRevoked = true;
    return;
  }
  const mayRotate = !one.isRevoked && !one.hasSuccessor && one.endsAt > now;
  try {
    const { text, key, previous } = await keys.rotate(one.id, { grace: random.pick([0, HOUR, 30 * 24 * HOUR]) });
    if (!mayRotate) throw new Error("a key was rotated that had ended");
    const endedAt = previous.expiresAt ?? Number.POSITIVE_INFINITY;
    const prolonged = endedAt > one.endsAt || (key.expiresAt ?? Number.POSITIVE_INFINITY) > one.endsAt;
    if (prolonged) throw new Error("a rotation prolonged a key");
    remember(text.reveal(), key.id, key.environment, key.expiresAt);
    Object.assign(one, { endsAt: endedAt, hasSuccessor: true });
  } catch (error) {
    const isOurs = error instanceof ApiKeyError && error.code === "CONFLICT";
    if (mayRotate || !isOurs) throw error;
  }
}

/** Accepted if and only if it was issued and has not ended. */
function check(text: string, outcome: Verification, issued: ReadonlyMap<string, Issued>, now: number): void {
  const one = issued.get(text);
  const isGood = one !== undefined && !one.isRevoked && one.endsAt > now;
  if (outcome.ok !== isGood) throw new Error(`${JSON.stringify(text)} was ${outcome.ok ? "accepted" : outcome.reason}`);
  if (outcome.ok && outcome.key.id !== one?.id) throw new Error(`${JSON.stringify(text)} was taken for another key`);
}

/** What somebody could make of two keys. */
function* distortions(text: string, other: string, random: Random): Generator<string> {
  for (let at = 0; at < text.length; at++) {
    yield text.slice(0, at);
    yield text.slice(at + 1);
    const bit = 1 << random.int(0, 15);
    yield text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ bit) + text.slice(at + 1);
    yield checked(text.slice(0, at) + random.pick([..."09azAZ_-"]) + text.slice(at + 1));
    yield text.slice(0, at) + other.slice(at);
    yield checked(text.slice(0, at) + other.slice(at));
    yield text.slice(0, at) + text.slice(at + 1, at + 2) + text.slice(at, at + 1) + text.slice(at + 2);
  }
  for (const edge of ["", " ", "\0", "\n", "_", "0", "\ufeff", "\ud800", text]) {
    yield text + edge;
    yield edge + text;
  }
  yield* [
    text.toUpperCase(),
    text.toLowerCase(),
    [...text].reverse().join(""),
    text.repeat(100),
    text.normalize("NFKD"),
  ];
  yield* [
    text.replace("live", "test"),
    checked(text.replace("live", "test")),
    `Bearer ${text}`,
    encodeURIComponent(`${text} `),
  ];
  for (let left = 20; left > 0; left--) {
    yield String.fromCharCode(...Array.from({ length: random.int(0, 200) }, () => random.int(0, 0xffff)));
    yield checked(`${text.slice(0, -46)}${printable(random, 46)}`);
  }
}

/** With a right checksum in the place of its last 6 characters. */
function checked(text: string): string {
  const before = text.slice(0, -6);
  return before + formatChecksum(finishCrc32(sumCrc32(before)));
}

function printable(random: Random, length: number): string {
  return Array.from({ length }, () => String.fromCharCode(random.int(0x21, 0x7e))).join("");
}
