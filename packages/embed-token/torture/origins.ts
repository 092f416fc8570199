// Texts that look like origins, made of what URLs are made of and of what they are not.

import assert from "node:assert/strict";
import type { Random, Torture } from "@holdfast/testing/torture";
import { isAmong, isOrigin, isOriginPattern } from "../src/index.ts";
import { mayShow } from "./tokens/pages.ts";

const PIECES = [
  "https://",
  "http://",
  "https:",
  "//",
  "a",
  "b",
  ".",
  "example",
  "com",
  "*",
  "*.",
  ":",
  "443",
  "80",
  "8443",
  "/",
  "@",
  "?",
  "#",
  "\\",
  "%2e",
  "xn--",
  "bcher-kva",
  "ü",
  "A",
  " ",
  "\n",
  "[::1]",
  "127.0.0.1",
  "0x7f",
  "null",
  ";",
  ",",
  "'",
  "_",
  "-",
  "。",
  "user",
];
const TRIES = 300;

export const torture: Torture = {
  name: "an origin is one only as a browser writes it, and a page passes only as it is listed",
  sample: 30,

  async run(random) {
    for (let count = 0; count < TRIES; count++) {
      const [page, pattern] = [randomText(random), randomText(random)];
      const told = JSON.stringify({ page, pattern });
      assert.equal(isOrigin(page), isSerialised(page), told);
      if (isOriginPattern(pattern))
        assert.ok(isSerialised(pattern.replace("*", "a")) && !/^\w+:\/\/\*\.[^.]*$/.test(pattern));
      const patterns = [pattern, page].filter(isOriginPattern);
      assert.equal(isAmong(page, patterns), isOrigin(page) && mayShow(page, patterns), told);
      // Lists that no token has open nothing to what can't be an origin.
      if (!/^https?:\/\/[a-z0-9.:[\]_-]+$/.test(page)) assert.equal(isAmong(page, [page, pattern]), false, told);
    }
  },
};

function randomText(random: Random): string {
  if (random.chance(0.5)) {
    const labels = Array.from({ length: random.int(1, 4) }, () => random.pick(["a", "b", "example", "com", "*", ""]));
    return `${random.pick(["https", "http"])}://${labels.join(".")}${random.pick(["", "", ":8443", ":443", "/"])}`;
  }
  return Array.from({ length: random.int(0, 8) }, () => random.pick(PIECES)).join("");
}

/** By the URL parser, and by what no host of DNS has. */
function isSerialised(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && /^https?:$/.test(url.protocol) && url.origin === text && /^[\w.[\]:/-]+$/.test(text);
}
