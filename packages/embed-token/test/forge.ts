// Tokens made by hand, as an attacker would, or somebody who has a key: signed by nothing of ours.

import { createHmac } from "node:crypto";
import { AUDIENCE, ISSUER, keyOf, NOW, ORIGIN } from "./support.ts";

/** JSON text or bytes where the form is the point, else what becomes JSON. */
type Part = string | Uint8Array | object;

export interface Forgery {
  readonly header?: Part;
  readonly payload?: Part;
  /** Default: the key of `k1`, as a thief would have it. */
  readonly key?: Uint8Array;
  /** Of the HMAC. Default sha256. */
  readonly hash?: string;
}

export const HEADER = { alg: "HS256", typ: "embed+jwt", kid: "k1" };

type Named = Readonly<Record<"iss" | "aud" | "sub" | "jti", string> & Record<"iat" | "nbf" | "exp", number>>;

export const CLAIMS: Readonly<Record<string, unknown>> & Named = {
  iss: ISSUER,
  aud: AUDIENCE,
  sub: "user-7",
  jti: "id-1",
  iat: NOW / 1000,
  nbf: NOW / 1000,
  exp: NOW / 1000 + 60,
  dashboard: "sales",
  origins: [ORIGIN],
  scopes: [],
  filters: {},
};

export function forge({ header = HEADER, payload = CLAIMS, key = keyOf("k1"), hash = "sha256" }: Forgery = {}): string {
  const input = `${encode(header)}.${encode(payload)}`;
  return `${input}.${createHmac(hash, key).update(input).digest("base64url")}`;
}

/** Without the claim of that name, or with another value for it. */
export function claimsWith(changed: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries({ ...CLAIMS, ...changed }).filter(([, value]) => value !== undefined));
}

function encode(part: Part): string {
  const bytes = typeof part === "string" || part instanceof Uint8Array ? part : JSON.stringify(part);
  return Buffer.from(bytes).toString("base64url");
}
