import { createHash, createHmac, randomBytes } from "node:crypto";
import { Secret } from "@holdfast/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createDigests, hmacSha256, isForeignText, sha256 } from "../src/digest.ts";

const key = randomBytes(32);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

describe("HMAC-SHA-256", () => {
  // RFC 4231, 4.2 to 4.7; those whose data is text, and so can be a key.
  it.each([
    [
      Buffer.from("Jefe"),
      "what do ya want for nothing?",
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ],
    [Buffer.alloc(20, 0x0b), "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"],
    [
      Buffer.alloc(131, 0xaa),
      "Test Using Larger Than Block-Size Key - Hash Key First",
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ],
  ])("gives the values of RFC 4231", (secret, text, expected) => {
    expect(hex(hmacSha256(secret)(text))).toBe(expected);
  });

  it("is that of node:crypto for any key and any text that a key can be", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.string({ unit: "binary-ascii", maxLength: 256 }),
        (secret, text) => {
          return hex(hmacSha256(secret)(text)) === createHmac("sha256", secret).update(text).digest("hex");
        },
      ),
    );
  });
});

describe("what is kept of a key", () => {
  it("is its SHA-256 where there is no pepper", () => {
    const { digest, pepperId } = createDigests().make("text");
    expect([hex(digest), pepperId]).toEqual([createHash("sha256").update("text").digest("hex"), null]);
  });

  it("is its HMAC under the first pepper, with the pepper's id", () => {
    const digests = createDigests([
      { id: "new", key },
      { id: "old", key: randomBytes(32) },
    ]);
    const { digest, pepperId } = digests.make("text");
    expect([hex(digest), pepperId]).toEqual([createHmac("sha256", key).update("text").digest("hex"), "new"]);
  });

  it("is its own: the next digest does not overwrite it", () => {
    const digests = createDigests();
    const { digest } = digests.make("one");
    const before = hex(digest);
    digests.make("two");
    expect(hex(digest)).toBe(before);
  });
});

describe("a comparison", () => {
  it("holds for the text that was kept, under any pepper of the ring and under none", () => {
    const [old, current] = [
      { id: "old", key: randomBytes(48) },
      { id: "new", key },
    ];
    const ring = createDigests([current, old]);
    for (const kept of [createDigests(), createDigests([old]), createDigests([current])].map((one) =>
      one.make("text"),
    )) {
      expect(ring.matches("text", kept)).toBe(true);
      expect(ring.matches("texu", kept)).toBe(false);
    }
  });

  it("fails where the pepper is not in the ring, or is another of that id", () => {
    const kept = createDigests([{ id: "a", key }]).make("text");
    expect(createDigests([{ id: "b", key }]).matches("text", kept)).toBe(false);
    expect(createDigests([{ id: "a", key: randomBytes(32) }]).matches("text", kept)).toBe(false);
    expect(createDigests().matches("text", kept)).toBe(false);
  });

  it("fails for any bit of the digest that differs", () => {
    const digests = createDigests();
    const { digest } = digests.make("text");
    for (let bit = 0; bit < 256; bit++) {
      const other = new Uint8Array(digest);
      other[bit >> 3]! ^= 1 << (bit & 7);
      expect(digests.matches("text", { digest: other, pepperId: null })).toBe(false);
    }
  });

  it("fails, and throws nothing, where the digest has another length or there is none", () => {
    const digests = createDigests();
    for (const length of [0, 31, 33, 64]) {
      expect(digests.matches("text", { digest: new Uint8Array(length), pepperId: null })).toBe(false);
    }
    expect(digests.matches("text", undefined)).toBe(false);
  });
});

describe("a pepper", () => {
  it("is taken as bytes, as base64url, or as a Secret of either", () => {
    const text = key.toString("base64url");
    const digests = [key, new Uint8Array(key), text, new Secret(text), new Secret<Uint8Array>(key)].map((one) =>
      hex(createDigests([{ id: "p", key: one }]).make("text").digest),
    );
    expect(new Set(digests).size).toBe(1);
  });

  it.each([
    ["31 bytes", randomBytes(31)],
    ["no bytes", new Uint8Array()],
    ["too short a text", randomBytes(24).toString("base64url")],
    ["text that is no base64url", "correct horse battery staple correct horse battery"],
    ["padded text", randomBytes(32).toString("base64")],
    ["text with stray bits", `${"A".repeat(42)}B`],
    ["one byte over and over", new Uint8Array(32).fill(7)],
    ["nothing", undefined],
    ["a number", 7],
  ])("is refused where it is %s, and not shown", (_, weak) => {
    const make = () => createDigests([{ id: "p", key: weak as string }]);
    expect(make).toThrow(/^Pepper "p" /);
    if (typeof weak === "string") expect(make).not.toThrow(weak);
  });

  it("has an id of its own that is no key", () => {
    const secret = randomBytes(40).toString("base64");
    expect(() => createDigests([{ id: secret, key }])).toThrow(/^peppers\[0\].id must be 1 to 32/);
    expect(() => createDigests([{ id: secret, key }])).not.toThrow(secret);
    expect(() =>
      createDigests([
        { id: "a", key },
        { id: "a", key: randomBytes(32) },
      ]),
    ).toThrow('Pepper id "a" is given twice');
  });
});

it("takes 1 to 256 printable ASCII characters for a key of another form", () => {
  for (const text of ["a", "dev-key-12345", "!~", "x".repeat(256)]) expect(isForeignText(text)).toBe(true);
  for (const text of ["", "a b", "a\n", "é", "\u{1f511}", "x".repeat(257)]) expect(isForeignText(text)).toBe(false);
});

it("hashes as node:crypto does", () => {
  expect(hex(sha256("text"))).toBe(createHash("sha256").update("text").digest("hex"));
});
