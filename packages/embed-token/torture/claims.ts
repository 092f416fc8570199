// Payloads with everything wrong that there is, signed by a key of the ring.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { createManualClock } from "@holdfast/core";
import type { Torture } from "@holdfast/testing/torture";
import { createEmbedTokens } from "../src/index.ts";
import { isGood, ORIGIN, randomMembers, textOf } from "./tokens/claims.ts";
import { NOW, TOLERANCE_MS } from "./tokens/setting.ts";

const TRIES = 100;

export const torture: Torture = {
  name: "whatever a holder of a key signs, it is accepted if it says what a token must, and never else",
  sample: 30,

  async run(random) {
    const key = new Uint8Array(random.bytes(32));
    const tokens = createEmbedTokens({
      keys: [{ id: "k1", key }],
      issuer: "https://app.example.com",
      audience: "dashboards",
      tolerance: TOLERANCE_MS,
      clock: createManualClock(NOW),
    });
    const header = Buffer.from('{"alg":"HS256","typ":"embed+jwt","kid":"k1"}').toString("base64url");
    for (let count = 0; count < TRIES; count++) {
      const members = randomMembers(random);
      const text = textOf(random, members);
      const input = `${header}.${Buffer.from(text).toString("base64url")}`;
      const token = `${input}.${createHmac("sha256", key).update(input).digest("base64url")}`;
      const verified = await tokens.verify(token, { origin: ORIGIN });
      assert.equal(verified.ok, isGood(members), text);
      if (!verified.ok) continue;
      const json = new Map(members);
      const { subject, filters, expiresAt } = verified.grant;
      assert.deepEqual(
        [subject, filters, expiresAt],
        [JSON.parse(json.get("sub") ?? ""), JSON.parse(json.get("filters") ?? ""), Number(json.get("exp")) * 1000],
      );
    }
  },
};
