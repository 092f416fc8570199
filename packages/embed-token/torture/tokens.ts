// Tokens of all kinds, shown as they are and changed in every way that needs no key, over time and from many pages.

import assert from "node:assert/strict";
import type { Random, Torture } from "@holdfast/testing/torture";
import type { NewGrant } from "../src/index.ts";
import { mutate } from "./tokens/mutations.ts";
import { mayShow } from "./tokens/pages.ts";
import { randomGrant, randomOrigin, randomSetting, type Setting, TOLERANCE_MS } from "./tokens/setting.ts";

interface Issued {
  readonly grant: NewGrant;
  readonly issuedAt: number;
  readonly expiresAt: number;
  isUsed: boolean;
}

const TRIES = 60;

export const torture: Torture = {
  name: "no token is accepted but one that was issued, from a page that it names, in its time",
  sample: 30,

  async run(random, { log }) {
    const setting = randomSetting(random);
    log(
      `${setting.keys.length} keys, ${setting.isOnce ? "once" : "often"}, ${setting.isPerTenant ? "a key each" : "one for all"}`,
    );
    const issued = new Map<string, Issued>();
    for (let count = random.int(2, 5); count > 0; count--) await issue(random, setting, issued);

    for (let count = 0; count < TRIES; count++) {
      if (random.chance(0.1)) setting.clock.advance(random.pick([1, 1000, 30_000, 200_000]));
      if (random.chance(0.1)) await issue(random, setting, issued);
      const texts = [...issued.keys()];
      const text = random.chance(0.2) ? random.pick(texts) : mutate(random, random.pick(texts), texts);
      const origin = pageFor(random, issued.get(text)?.grant);
      const { ok } = await setting.tokens.verify(text, { origin });
      const known = issued.get(text);
      assert.equal(ok, known !== undefined && isGood(known, origin, setting), `${text} at ${origin}`);
      if (known && ok) known.isUsed = true;
    }
  },
};

async function issue(random: Random, { tokens, isPerTenant }: Setting, issued: Map<string, Issued>): Promise<void> {
  const grant = randomGrant(random, isPerTenant);
  const { token, issuedAt, expiresAt } = await tokens.issue(grant);
  issued.set(token.reveal(), { grant, issuedAt, expiresAt, isUsed: false });
}

function pageFor(random: Random, grant: NewGrant | undefined): string {
  if (random.chance(0.1)) return random.pick(["null", "", "https://*.a.example", "https://a.example/"]);
  const listed = grant && random.chance(0.7) ? random.pick(grant.origins).replace("*", "z") : undefined;
  return listed ?? randomOrigin(random);
}

function isGood({ grant, expiresAt, isUsed }: Issued, origin: string, { clock, isOnce }: Setting): boolean {
  const isOrigin = !/[*/]$|^(null)?$/.test(origin) && !origin.includes("*");
  return isOrigin && mayShow(origin, grant.origins) && clock.now() < expiresAt + TOLERANCE_MS && !(isOnce && isUsed);
}
