// Keys to be checked: ours in a memory store, the peer's with its hash beside it.

import { createApiKeys, type FailureLimiter, memoryKeyStore, type Pepper, type VerifyCall } from "@holdfast/api-key";
import { checkAPIKey, generateAPIKey } from "prefixed-api-key";
import type { Side } from "../harness.ts";

const KEYS = 1000;
const ASK: VerifyCall = { scope: "datasets:read" };

export interface Checks {
  readonly good: Side;
  /** The same keys with another character each, and so a wrong checksum. */
  readonly refused: Side;
}

/** Checks of good keys by checksum, look-up, digest, expiry and scope. */
export async function holdfastChecks(
  options: { readonly peppers?: readonly Pepper[]; readonly failures?: FailureLimiter } = {},
): Promise<Checks> {
  const keys = createApiKeys({ prefix: "acme", store: memoryKeyStore(), ...options });
  const texts: string[] = [];
  for (let count = 0; count < KEYS; count++) {
    const scopes = ["reports:*", "datasets:read"];
    const { text } = await keys.create({ name: "bench", owner: `owner ${count}`, scopes, expiresIn: "90d" });
    texts.push(text.reveal());
  }
  const wrong = texts.map((text) => text.slice(0, 30) + (text[30] === "a" ? "b" : "a") + text.slice(31));
  const verified = await keys.verify(texts[0], ASK);
  const refused = await keys.verify(wrong[0], ASK);
  if (!verified.ok || refused.ok) throw new Error("a good key was refused, or a wrong one was not");
  return {
    good: (index) => keys.verify(texts[index % KEYS], ASK),
    refused: (index) => keys.verify(wrong[index % KEYS], ASK),
  };
}

/** A hash and a comparison. */
export async function peerCheck(): Promise<Side> {
  const made = await Promise.all(Array.from({ length: KEYS }, () => generateAPIKey({ keyPrefix: "acme" })));
  const keys = made.map(({ token = "", longTokenHash = "" }) => ({ token, longTokenHash }));
  if (!keys.every(({ token, longTokenHash }) => checkAPIKey(token, longTokenHash)))
    throw new Error("a good key was refused");
  return (index) => {
    const { token, longTokenHash } = keys[index % KEYS] as (typeof keys)[number];
    return checkAPIKey(token, longTokenHash);
  };
}
