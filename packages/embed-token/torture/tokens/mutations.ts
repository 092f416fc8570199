// What can be done to a token by whoever has seen some, and has not its key.

import { createHmac } from "node:crypto";
import type { Random } from "@holdfast/testing/torture";

type Mutation = (random: Random, token: string, others: readonly string[]) => string;

const CHARACTERS = [
  ..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.",
  "=",
  " ",
  "\n",
  "\0",
  "+",
  "/",
  "%",
  "é",
  "\u200b",
];

function replacePart(token: string, index: number, part: string): string {
  const parts = token.split(".");
  parts[index] = part;
  return parts.join(".");
}

/** The text of a part that is JSON, changed. */
function edit(random: Random, token: string, index: 0 | 1, swaps: readonly (readonly [RegExp, string])[]): string {
  const text = Buffer.from(token.split(".")[index] ?? "", "base64url").toString();
  const [from, to] = random.pick(swaps);
  return replacePart(token, index, Buffer.from(text.replace(from, to)).toString("base64url"));
}

/** Signed anew, by a key that is none of ours. */
function sign(token: string, key: Uint8Array, hash = "sha256"): string {
  const input = token.slice(0, token.lastIndexOf("."));
  return `${input}.${createHmac(hash, key).update(input).digest("base64url")}`;
}

const MUTATIONS: readonly Mutation[] = [
  (random, token) => token.slice(0, random.int(0, token.length)),
  (random, token) => token.slice(random.int(0, token.length)),
  (random, token) => {
    const at = random.int(0, token.length - 1);
    return token.slice(0, at) + random.pick(CHARACTERS) + token.slice(at + random.int(0, 1));
  },
  (random, token) => {
    const at = random.int(0, token.length - 1);
    return token.slice(0, at) + token.slice(at + 1);
  },
  (random, token) => {
    const at = random.int(0, token.length - 1);
    return (
      token.slice(0, at) + String.fromCharCode(token.charCodeAt(at) ^ (1 << random.int(0, 7))) + token.slice(at + 1)
    );
  },
  (_random, token) => `${token}${token}`,
  (_random, token) => token.toLowerCase(),
  (random, token) => [token, token, token].map((one) => random.pick(one.split("."))).join("."),
  (random, token, others) => {
    const index = random.int(0, 2);
    return replacePart(token, index, random.pick(others).split(".")[index] ?? "");
  },
  (random, token) =>
    edit(random, token, 0, [
      [/HS256/, "none"],
      [/HS256/, "hs256"],
      [/HS256/, "HS512"],
      [/embed\+jwt/, "JWT"],
      [/"kid":"\w+"/, '"kid":"__proto__"'],
      [/"kid":"\w+"/, '"kid":{"k":1}'],
      [/^\{/, '{"alg":"none",'],
      [/^\{/, '{"crit":["b64"],"b64":false,'],
      [/"tenant":"[^"]+"/, '"tenant":"umbrella"'],
      [/\}$/, ',"tenant":"acme"}'],
      [/^\{/, "{ "],
    ]),
  (random, token) =>
    edit(random, token, 1, [
      [/"sub":"[^"]*"/, '"sub":"admin"'],
      [/"exp":\d+/, '"exp":4000000000'],
      [/"exp":\d+/, '"exp":1e400'],
      [/"origins":\[/, '"origins":["https://evil.example",'],
      [/"filters":\{/, '"filters":{"all":true,'],
      [/^\{/, " {"],
      [/^\{/, '{"sub":"admin",'],
    ]),
  (random, token) => sign(token, random.bytes(random.pick([0, 1, 32]))),
  (random, token) => sign(token, random.bytes(32), random.pick(["sha384", "sha512", "sha1"])),
  (_random, token) => sign(token, new Uint8Array()),
  (_random, token) => replacePart(token, 2, ""),
  (_random, token) => replacePart(token, 2, Buffer.alloc(32).toString("base64url")),
  (random) => random.bytes(random.int(0, 600)).toString(random.pick(["base64url", "latin1", "utf8", "hex"])),
  (random) => Array.from({ length: 3 }, () => random.bytes(random.int(0, 60)).toString("base64url")).join("."),
  (random) => Array.from({ length: random.int(0, 30) }, () => random.pick(CHARACTERS)).join(""),
];

/** One of many, sometimes two one after the other. */
export function mutate(random: Random, token: string, others: readonly string[]): string {
  const once = random.pick(MUTATIONS)(random, token, others);
  return random.chance(0.2) ? random.pick(MUTATIONS)(random, once || token, others) : once;
}
