import { describe, expect, it } from "vitest";
import type { Stored } from "../src/entry.ts";
import { decode, encode } from "../src/file/envelope.ts";
import { keyOf, nameOf } from "../src/file/key-to-name.ts";

const STORED: Stored = {
  entry: { key: "ключ", version: 3, data: '{"at":3}', savedAt: 30.5, fence: 2, holder: "me", beat: 7 },
  versions: [
    { version: 3, data: '{"at":3}', savedAt: 30.5, note: "why" },
    { version: 2, data: "", savedAt: 20, note: undefined },
  ],
};
const LEASED: Stored = {
  entry: { key: "a", version: 0, data: null, savedAt: 0, fence: 1, holder: "me", beat: 1 },
  versions: [],
};
const corrupt = expect.objectContaining({ code: "CORRUPT", message: expect.stringContaining("/folder/file") });
const decoding = (bytes: Buffer, key?: string) => () => decode(bytes.toString(), "/folder/file", key);

describe("the envelope", () => {
  it.each([STORED, LEASED])("gives back what was put into it", (stored) => {
    expect(decode(encode(stored).toString(), "/folder/file", stored.entry.key)).toEqual(stored);
  });

  it("begins with a line for people: format, length, checksum", () => {
    expect(encode(LEASED).toString()).toMatch(/^holdfast-checkpoint 1 \d+ [0-9a-f]{64}\n\{"key":"a",/);
  });

  it("is found out when it is torn at any byte, or has one more", () => {
    const bytes = encode(STORED);
    for (let length = 0; length < bytes.length; length++) expect(decoding(bytes.subarray(0, length))).toThrow(corrupt);
    expect(decoding(Buffer.concat([bytes, Buffer.from(" ")]))).toThrow(corrupt);
  });

  it("is found out when any byte is another, or zero from there on", () => {
    const bytes = encode(STORED);
    for (let at = 0; at < bytes.length; at++) {
      const flipped = Buffer.from(bytes);
      flipped[at]! ^= 0x04;
      expect(decoding(flipped)).toThrow(expect.objectContaining({ name: "CheckpointError" }));
      expect(decoding(Buffer.from(bytes).fill(0, at))).toThrow(corrupt);
    }
  });

  it("is refused, and not called corrupt, where a later format wrote it", () => {
    const later = Buffer.from("holdfast-checkpoint 2 something else\n...");
    expect(decoding(later)).toThrow(expect.objectContaining({ code: "NEWER_VERSION" }));
  });

  it("is refused under another key", () => {
    expect(decoding(encode(STORED), "other")).toThrow(corrupt);
  });

  it.each(["null", "[]", '{"key":1}', '{"key":"a","version":"1"}', "{"])("does not take %s for an entry", (body) => {
    const whole = encode(LEASED).toString();
    expect(decoding(Buffer.from(whole.replace(/\{.*/s, body)))).toThrow(corrupt);
  });
});

describe("the name of a file", () => {
  it.each([
    ["x_user-1", "k-x_user-1.checkpoint"],
    ["x:user", "k-x%3auser.checkpoint"],
    ["..", "k-%2e%2e.checkpoint"],
    ["CON", "k-%43%4f%4e.checkpoint"],
    ["con", "k-con.checkpoint"],
    ["é", "k-%c3%a9.checkpoint"],
  ])("of %j is %s, and back", (key, name) => {
    expect(nameOf(key)).toBe(name);
    expect(keyOf(name)).toEqual({ key });
  });

  it("of a long key is a hash, which does not tell the key", () => {
    const name = nameOf("ключ".repeat(100));
    expect(name).toMatch(/^h-[0-9a-f]{64}\.checkpoint$/);
    expect(keyOf(name)).toBe("hashed");
  });

  it.each(["k-A.checkpoint", "k-%41", "k-%61.checkpoint", "k-.checkpoint", "k-a.checkpoint.lock", "a.checkpoint"])(
    "%s is no key's",
    (name) => {
      expect(keyOf(name)).toBeUndefined();
    },
  );
});
