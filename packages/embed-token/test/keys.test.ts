import { createHash, randomBytes } from "node:crypto";
import { inspect } from "node:util";
import { Secret } from "@holdfast/core";
import { describe, expect, it } from "vitest";
import type { EmbedKey } from "../src/index.ts";
import { createKeyRing } from "../src/keys.ts";
import { keyOf, setUp } from "./support.ts";

const refusal = (key: unknown, id: unknown = "k1"): unknown => {
  try {
    createKeyRing([{ id, key } as EmbedKey], false);
    return "taken";
  } catch (error) {
    return error;
  }
};

describe("a key", () => {
  it("may be bytes, base64url or a secret of either", async () => {
    const bytes = keyOf("k1");
    const text = Buffer.from(bytes).toString("base64url");
    const token = await setUp().issue();
    for (const key of [bytes, Buffer.from(bytes), text, new Secret(bytes), new Secret(text)]) {
      expect(await setUp({ keys: [{ id: "k1", key }] }).outcome(token)).toBe("accepted");
    }
  });

  it("may be longer", () => {
    for (const size of [32, 48, 64, 100, 1024]) expect(refusal(randomBytes(size))).toBe("taken");
  });

  it("made at random is never taken for a weak one", () => {
    for (let round = 0; round < 5000; round++) {
      // Chosen by a hash, so that a run that fails fails again.
      const bytes = createHash("sha256").update(`round ${round}`).digest();
      expect(refusal(bytes)).toBe("taken");
      expect(refusal(bytes.toString("base64url"))).toBe("taken");
    }
  });

  it("is a copy: what happens to the caller's bytes later does not matter", async () => {
    const bytes = new Uint8Array(keyOf("k1"));
    const { outcome } = setUp({ keys: [{ id: "k1", key: bytes }] });
    bytes.fill(0);
    expect(await outcome(await setUp().issue())).toBe("accepted");
  });

  it("can't be taken out again, nor used for anything but HS256", () => {
    const key = createKeyRing([{ id: "k1", key: keyOf("k1") }], false).find("k1", undefined);
    expect(key).toMatchObject({ extractable: false, algorithm: { name: "HMAC", hash: { name: "SHA-256" } } });
  });
});

describe("a weak key is refused:", () => {
  const text = (value: string): Buffer => Buffer.from(value);
  const pem = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----\n";
  const jwk = JSON.stringify({ kty: "oct", k: Buffer.from(keyOf("k1")).toString("base64url") });
  const half = keyOf("half").subarray(0, 16);
  const weak: Readonly<Record<string, unknown>> = {
    nothing: undefined,
    "an empty text": "",
    "no bytes": new Uint8Array(),
    "one byte": new Uint8Array([7]),
    "31 bytes": keyOf("k1").subarray(1),
    "31 bytes in base64url": Buffer.from(keyOf("k1").subarray(1)).toString("base64url"),
    "more than a key can be": randomBytes(1025),
    "a number": 42,
    zeros: new Uint8Array(32),
    "one byte over and over": new Uint8Array(64).fill(0xa5),
    "one letter over and over": "A".repeat(43),
    "bytes that count up": Uint8Array.from({ length: 32 }, (_, index) => index),
    "bytes that count down": Uint8Array.from({ length: 32 }, (_, index) => 255 - index),
    "bytes that count by sevens, over the end": Uint8Array.from({ length: 64 }, (_, index) => index * 7),
    "few different bytes": Uint8Array.from({ length: 32 }, (_, index) => (index * index) % 11),
    "sixteen bytes twice": Buffer.concat([half, half]),
    "sixteen bytes, and all but one again": Buffer.concat([half, half]).subarray(0, 31),
    "sixteen bytes two and a half times": Buffer.concat([half, half, half]).subarray(0, 40),
    "a passphrase in bytes": text("correct horse battery staple and more words"),
    "a passphrase as base64url": "correct-horse-battery-staple-and-some-more-words-so",
    "a passphrase with capitals": "Correct-Horse-Battery-Staple-Correct-Horse-Battery1",
    "a passphrase in base64url": text("correct horse battery staple and more words").toString("base64url"),
    "what manuals put there": "your-256-bit-secret-your-256-bit-secret-your-256",
    "what samples put there": "test-guest-secret-change-me-in-production-please-0",
    "hex as it is": Buffer.from(keyOf("k1")).toString("hex"),
    "hex in bytes": text(Buffer.from(keyOf("k1")).toString("hex")),
    "base64url in bytes": text(Buffer.from(keyOf("k1")).toString("base64url")),
    "base64 with padding": Buffer.from(keyOf("k1")).toString("base64"),
    "base64url that is not canonical": `${Buffer.from(keyOf("k1")).toString("base64url").slice(0, -1)}B`,
    "a PEM": pem,
    "a PEM in bytes": text(pem),
    "a JWK": jwk,
    "a JWK in bytes": text(jwk),
    "an object": { kty: "oct" },
    "an empty secret": new Secret(""),
  };
  for (const [name, key] of Object.entries(weak)) {
    it(name, () => {
      const error = refusal(key);
      expect(error).toMatchObject({ name: "EmbedTokenError", code: "INVALID_KEY" });
      // And the message has nothing of it.
      const shown = inspect(error);
      if (typeof key === "string" && key !== "") expect(shown).not.toContain(key.slice(0, 16));
    });
  }

  it("one that is printed in a standard", () => {
    // RFC 7515, A.1: the key of the first example of a JWS there is.
    const published = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    expect(refusal(published)).toMatchObject({ code: "INVALID_KEY", message: expect.stringContaining("printed") });
    expect(refusal(Buffer.from(published, "base64url"))).toMatchObject({ code: "INVALID_KEY" });
  });
});

describe("a ring", () => {
  it("has at least one key, and not very many", () => {
    const many = Array.from({ length: 17 }, (_, index) => ({ id: `k${index}`, key: keyOf(`k${index}`) }));
    for (const keys of [[], many]) {
      expect(() => createKeyRing(keys, false)).toThrow(expect.objectContaining({ code: "INVALID_KEY" }));
    }
    createKeyRing(many.slice(0, 16), false);
  });

  it("has one key for each id", () => {
    const keys = ["a", "b", "a"].map((id) => ({ id, key: keyOf(id) }));
    expect(() => createKeyRing(keys, false)).toThrow('Key id "a" is given twice');
  });

  it.each(["", "a b", "a.b", "ключ", "a/b", "x".repeat(33), 7, null, {}])("has no id %j", (id) => {
    const error = refusal(keyOf("k1"), id);
    expect(error).toMatchObject({ code: "INVALID_KEY" });
    // It may be the key itself, in the wrong place.
    if (typeof id === "string" && id.length > 5) expect((error as Error).message).not.toContain(id);
  });

  it("answers for ids of prototypes as for any other that is unknown", () => {
    const ring = createKeyRing([{ id: "k1", key: keyOf("k1") }], false);
    for (const id of ["__proto__", "constructor", "toString", "", "K1", "k1 "])
      expect(ring.find(id, undefined)).toBeUndefined();
  });

  it("derives a key for each id and tenant, none of which is another's", async () => {
    const keys = ["a", "b"].map((id) => ({ id, key: keyOf(id) }));
    const sign = async (id: string, tenant: string): Promise<string> => {
      const key = createKeyRing(keys, true).find(id, tenant);
      return Buffer.from(await crypto.subtle.sign("HMAC", key!, new Uint8Array(1))).toString("hex");
    };
    const pairs = [
      ["a", "t"],
      ["b", "t"],
      ["a", "u"],
      ["a", "tt"],
      ["a", "T"],
    ] as const;
    const signatures = await Promise.all(pairs.map(([id, tenant]) => sign(id, tenant)));
    expect(new Set(signatures).size).toBe(pairs.length);
    expect(await sign("a", "t")).toBe(signatures[0]);
    expect(createKeyRing(keys, true).find("a", undefined)).toBeUndefined();
  });
});
