// Payloads as somebody who has a key might sign them, and whether they say what a token must. The rules are written here once more, in
// another way than the package's own.

import type { Random } from "@holdfast/testing/torture";
import { NOW, TOLERANCE_MS } from "./setting.ts";

/** A member of the payload: its name, and its value as JSON text. */
export type Member = readonly [name: string, json: string];

export const ORIGIN = "https://a.example";
const MAX_LIFETIME = 600;
const SECONDS = NOW / 1000;

const VALUES: readonly string[] = [
  "0",
  "-1",
  "1.5",
  "1e3",
  "1e400",
  "9007199254740992",
  `${SECONDS}`,
  `${SECONDS + 5}`,
  `${SECONDS + 6}`,
  `${SECONDS + 60}`,
  `${SECONDS - 540}`,
  `${SECONDS - 541}`,
  "true",
  "null",
  '""',
  '"a"',
  '"\\ud800"',
  '"a\\u0000"',
  `"${"x".repeat(257)}"`,
  '"dashboards"',
  '"https://app.example.com"',
  "[]",
  '["a"]',
  '["a b"]',
  `["${ORIGIN}"]`,
  `["${ORIGIN}/"]`,
  '["https://*.a.example"]',
  '["null"]',
  "{}",
  '{"a":1}',
  '{"a":1,"a":1}',
  '{"a":{"a":1}}',
  '{"a":[1,"b",null,true]}',
  '{"a":[[1]]}',
  '{"":"::"}',
];

export function randomMembers(random: Random): readonly Member[] {
  let members: Member[] = [
    ["iss", '"https://app.example.com"'],
    ["aud", '"dashboards"'],
    ["sub", '"user-7"'],
    ["jti", `"${random.bytes(16).toString("base64url")}"`],
    ["iat", `${SECONDS}`],
    ["nbf", `${SECONDS}`],
    ["exp", `${SECONDS + random.int(1, 700)}`],
    ["dashboard", '"sales"'],
    ["origins", `["${ORIGIN}"]`],
    ["scopes", "[]"],
    ["filters", "{}"],
  ];
  if (random.chance(0.3)) members.push(["tenant", '"acme"']);
  for (let changes = random.int(0, 2); changes > 0; changes--) {
    const at = random.int(0, members.length - 1);
    const name = members[at]?.[0] ?? "";
    const value = random.pick(VALUES);
    const act = random.int(0, 9);
    if (act < 7) members[at] = [name, value];
    else if (act === 7) members.splice(at, 1);
    else members.push([random.pick([name, "admin", "tenant", "__proto__"]), value]);
  }
  if (random.chance(0.2)) members = random.shuffle(members);
  return members;
}

export function textOf(random: Random, members: readonly Member[]): string {
  const gap = random.chance(0.2) ? random.pick([" ", "\n", "\t "]) : "";
  return `{${members.map(([name, json]) => `${gap}${spelled(random, name)}${gap}:${gap}${json}${gap}`).join(",")}}`;
}

/** A name may be spelled in many ways. */
function spelled(random: Random, name: string): string {
  if (random.chance(0.9)) return JSON.stringify(name);
  return `"${[...name].map((one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`).join("")}"`;
}

export function isGood(members: readonly Member[]): boolean {
  const names = members.map(([name]) => name);
  const required = ["iss", "aud", "sub", "jti", "iat", "nbf", "exp", "dashboard", "origins", "scopes", "filters"];
  const isComplete = required.every((name) => names.includes(name)) && new Set(names).size === names.length;
  if (!isComplete || !names.every((name) => name === "tenant" || required.includes(name))) return false;
  const json = new Map(members);
  const value = (name: string): unknown => JSON.parse(json.get(name) ?? "null");
  const [iat, nbf, exp] = ["iat", "nbf", "exp"].map(value) as [number, number, number];
  return (
    value("iss") === "https://app.example.com" &&
    value("aud") === "dashboards" &&
    ["sub", "jti", "dashboard"].every((name) => isText(value(name))) &&
    [iat, nbf, exp].every((date) => Number.isSafeInteger(date) && date >= 0) &&
    exp > iat &&
    exp > nbf &&
    exp - iat <= MAX_LIFETIME &&
    Math.max(iat, nbf) * 1000 <= NOW + TOLERANCE_MS &&
    exp * 1000 > NOW - TOLERANCE_MS &&
    (!json.has("tenant") || /^"[\w.:@-]{1,128}"$/.test(json.get("tenant") ?? "")) &&
    json.get("origins") === `["${ORIGIN}"]` &&
    ["[]", '["a"]', `["${ORIGIN}"]`, `["${ORIGIN}/"]`, '["https://*.a.example"]', '["null"]'].includes(
      json.get("scopes") ?? "",
    ) &&
    ["{}", '{"a":1}', '{"a":[1,"b",null,true]}', '{"":"::"}'].includes(json.get("filters") ?? "")
  );
}

function isText(value: unknown): boolean {
  return typeof value === "string" && /^[^\p{Cc}\p{Cs}]{1,256}$/u.test(value);
}
