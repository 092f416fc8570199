import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { CHANNELS } from "../src/index.ts";
import { setUp } from "./support.ts";

const facts = { address: "192.0.2.1", requestId: "r-1", method: "GET", path: "/datasets" };

describe("events", () => {
  it("tell of each use: key, owner, scope, who and where", async () => {
    const { keys, told, create } = setUp();
    const { plain, key } = await create();
    told.length = 0;
    await keys.verify(plain, { scope: "datasets:read", facts });
    await keys.authorise(key, { scope: "datasets:read", facts: { requestId: "r-2" } });
    expect(told).toEqual([
      ["used", { ...facts, keyId: key.id, owner: "team-7", scope: "datasets:read" }],
      ["used", { requestId: "r-2", keyId: key.id, owner: "team-7", scope: "datasets:read" }],
    ]);
  });

  it("tell of each failure and why, of a revoked key's attempt too", async () => {
    const { keys, told, create } = setUp();
    const { plain, key } = await create();
    await keys.revoke(key.id);
    told.length = 0;
    await keys.verify(plain, { scope: "datasets:read", facts });
    await keys.verify("junk", { facts });
    await keys.verify(undefined);
    keys.refuse("ambiguous", facts);
    await keys.authorise(key, { scope: "keys:admin", facts });
    expect(told).toEqual([
      ["refused", { ...facts, reason: "revoked", keyId: key.id }],
      ["refused", { ...facts, reason: "malformed" }],
      ["refused", { reason: "missing" }],
      ["refused", { ...facts, reason: "ambiguous" }],
      ["refused", { ...facts, reason: "missing-scope", keyId: key.id, scope: "keys:admin" }],
    ]);
  });

  it("tell of creation, rotation and revocation, and whose doing they were", async () => {
    const { keys, told, create } = setUp();
    const by = { id: "admin-1", scopes: ["*:*"] };
    const { key } = await create({ by, requestId: "r-1" });
    const { key: successor } = await keys.rotate(key.id, { by, requestId: "r-2" });
    await keys.revoke(key.id, { by, because: "it leaked", requestId: "r-3" });
    const who = { keyId: key.id, owner: "team-7", by: "admin-1" };
    expect(told).toEqual([
      ["changed", { ...who, change: "created", requestId: "r-1" }],
      ["changed", { ...who, change: "rotated", successorId: successor.id, requestId: "r-2" }],
      ["changed", { ...who, change: "revoked", because: "it leaked", requestId: "r-3" }],
    ]);
  });

  it("go to diagnostics channels as well", async () => {
    const heard: unknown[] = [];
    const listen = (message: unknown, name: string | symbol) => heard.push([name, message]);
    for (const channel of Object.values(CHANNELS)) subscribe(channel, listen);
    const { keys, create } = setUp();
    const { plain } = await create();
    await keys.verify(plain);
    await keys.verify("junk");
    for (const channel of Object.values(CHANNELS)) unsubscribe(channel, listen);
    expect(heard).toMatchObject([
      ["holdfast:api-key:changed", { change: "created" }],
      ["holdfast:api-key:used", { owner: "team-7" }],
      ["holdfast:api-key:refused", { reason: "malformed" }],
    ]);
  });

  it("and outcomes, errors and objects never show a key or a part of its secret", async () => {
    const { keys, store, told, create } = setUp({ ownerMay: () => true });
    const { text, plain, key } = await create();
    const rotated = await keys.rotate(key.id);
    const forged = keys.format.make("live").text;
    const outcomes = [
      await keys.verify(plain, { scope: "datasets:read", facts }),
      await keys.verify(forged, { facts }),
      await keys.verify(`${plain}x`, { facts }),
      await keys.verify(plain, { scope: "keys:admin", facts }),
      await keys.rotate(key.id).catch((error: unknown) => error),
      await keys.create({ name: plain.repeat(9), owner: "ann" }).catch((error: unknown) => error),
      await keys.list(),
      store.findSync(key.id),
      { text, rotated, told, keys },
    ];
    const shown = outcomes
      .map((one) => `${inspect(one, { depth: 9, showHidden: true })} ${JSON.stringify(one)} ${one}`)
      .join();
    for (const secret of [plain, forged, rotated.text.reveal()]) {
      for (let at = "acme_live_".length + 12; at + 8 <= secret.length; at++) {
        expect(shown).not.toContain(secret.slice(at, at + 8));
      }
    }
  });
});
