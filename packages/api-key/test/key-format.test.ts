import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BASE62, formatChecksum, randomBase62 } from "../src/base62.ts";
import { finishCrc32, sumCrc32 } from "../src/crc32.ts";
import { createKeyFormat } from "../src/index.ts";
import { parseAnyKey } from "../src/key-format.ts";

const format = createKeyFormat({ prefix: "acme", environments: ["live", "test"] });

describe("a key's text", () => {
  it("is prefix, environment, and 46 letters and digits, always as long", () => {
    for (let count = 0; count < 1000; count++) {
      expect(format.make("live").text).toMatch(/^acme_live_[0-9A-Za-z]{46}$/);
    }
  });

  it("ends with the CRC-32 of all before it, as zlib counts it", () => {
    const { text } = format.make("test");
    const digits = [...text.slice(-6)].map((digit) => BigInt(BASE62.indexOf(digit)));
    expect(digits.reduce((value, digit) => value * 62n + digit, 0n)).toBe(BigInt(crc32(text.slice(0, -6))));
  });

  it("says its environment and its id", () => {
    const { id, text } = format.make("test");
    expect(id).toMatch(/^[0-9A-Za-z]{12}$/);
    expect(format.parse(text)).toEqual({ environment: "test", id });
    expect(parseAnyKey(text)).toEqual({ prefix: "acme", environment: "test", id });
  });

  it("is one word for a double click", () => {
    expect(`the key is ${format.make("live").text}, keep it`.match(/\w{50,}/g)).toHaveLength(1);
  });

  it("holds 166 random bits of secret and 71 of id", () => {
    const bits = (digits: number): number => Math.floor(digits * Math.log2(62));
    expect([bits(28), bits(12)]).toEqual([166, 71]);
    const bytes: number[] = [];
    format.make("live", (size) => {
      bytes.push(size);
      return new Uint8Array(size);
    });
    expect(bytes).toEqual([12, 28]);
  });

  it("is told from one that differs in any character, before anybody looks it up", () => {
    const { text } = format.make("live");
    for (let at = 0; at < text.length; at++) {
      for (const other of ["0", "Z", "_", "-", " ", "\u0000", "\u00e9", "\u0131", "\ud83d"]) {
        if (text[at] === other) continue;
        const changed = text.slice(0, at) + other + text.slice(at + 1);
        expect(format.parse(changed), changed).toBeUndefined();
        expect(parseAnyKey(changed), changed).toBeUndefined();
      }
    }
  });

  it("is told from one whose characters differ above the lowest 7 or 8 bits", () => {
    const { text } = format.make("live");
    for (const shift of [0x80, 0x100, 0x200, 0x1000, 0x8000]) {
      for (const at of [0, 10, 30, text.length - 1]) {
        const twin = text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) + shift) + text.slice(at + 1);
        expect(format.parse(twin)).toBeUndefined();
      }
    }
  });

  it("is told from one that was cut, grown or turned around", () => {
    const { text } = format.make("live");
    const others = [
      ...Array.from({ length: text.length }, (_, length) => text.slice(0, length)),
      ...Array.from({ length: text.length }, (_, from) => text.slice(from + 1)),
      ...[
        `${text}0`,
        `0${text}`,
        `${text}\n`,
        ` ${text}`,
        text + text,
        text.toUpperCase(),
        [...text].reverse().join(""),
      ],
    ];
    for (const other of others) expect(format.parse(other), other).toBeUndefined();
  });

  it("is of its own prefix and environments alone", () => {
    const other = createKeyFormat({ prefix: "acme_eu", environments: ["live", "prod"] });
    expect(format.parse(other.make("live").text)).toBeUndefined();
    expect(other.parse(format.make("live").text)).toBeUndefined();
    expect(parseAnyKey(other.make("prod").text)).toMatchObject({ prefix: "acme_eu", environment: "prod" });
  });

  it.each(["", "a", "Acme", "acme-eu", "acme_", "_acme", "acme__eu", "1acme", "a".repeat(21), "äcme", "acme\n"])(
    "has no prefix %j",
    (prefix) => {
      expect(() => createKeyFormat({ prefix, environments: ["live"] })).toThrow(/prefix .* must be 2 to 20/);
    },
  );

  it.each([[[]], [[""]], [["live", "live"]], [["Live"]], [["li_ve"]], [["a".repeat(13)]]])(
    "is of no environments %j",
    (environments) => {
      expect(() => createKeyFormat({ prefix: "acme", environments })).toThrow(/environments .* must be/);
    },
  );

  it("is made in a known environment only", () => {
    expect(() => format.make("prod")).toThrow('"prod" is none of the environments live, test');
  });
});

describe("random base62", () => {
  it("gives every digit as often as any other", () => {
    const counts = new Map<string, number>();
    // Each byte once: those that would favour some digits are thrown away.
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    for (const digit of randomBase62(248, (size) => (size === 248 ? bytes : new Uint8Array(size)))) {
      counts.set(digit, (counts.get(digit) ?? 0) + 1);
    }
    expect([...counts.keys()].toSorted()).toEqual([...BASE62]);
    expect(new Set(counts.values())).toEqual(new Set([4]));
  });

  it("asks for more where bytes were thrown away", () => {
    const given = [Uint8Array.of(255, 0, 250), Uint8Array.of(61, 248), Uint8Array.of(62)];
    expect(randomBase62(3, () => given.shift() ?? new Uint8Array())).toBe("0z0");
  });
});

describe("a checksum", () => {
  it("is that of zlib for any ASCII text", () => {
    fc.assert(fc.property(fc.string({ unit: "binary-ascii" }), (text) => finishCrc32(sumCrc32(text)) === crc32(text)));
  });

  it("has 6 digits, also the least and the largest", () => {
    expect([0, 61, 62, 2 ** 32 - 1].map(formatChecksum)).toEqual(["000000", "00000z", "000010", "4gfFC3"]);
  });
});
