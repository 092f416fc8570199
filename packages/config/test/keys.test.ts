import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { generateKey, key, loadConfig } from "../src/index.ts";
import { collectingLogger, problemOf, problemsOf, sourcesOf } from "./support.ts";

const good = "pJ9Qv3w0-Zk1xT7mB2sY8dLr5NfHcU6aGeWiKo4RtXE";

async function accepts(schema: ReturnType<typeof key>, text: string): Promise<string> {
  const config = await loadConfig({ K: schema }, { sources: sourcesOf({ K: text }), production: true });
  return config.K.reveal();
}

describe("a key", () => {
  it.each([
    ["base64url", good],
    ["base64", "pJ9Qv3w0+Zk1xT7mB2sY8dLr5NfHcU6aGeWiKo4RtXE="],
    ["hex", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    ["UTF-8", "Zwölf Boxkämpfer jagen Viktor quer über den Deich, 7 mal!"],
  ])("of 32 bytes in %s is taken as it stands", async (_, text) => {
    expect(await accepts(key(), text)).toBe(text);
  });

  it.each([
    ["32 hex digits are 16 bytes", "9f86d081884c7d659a2feaa0c55ad015", "16 bytes as hex"],
    ["32 letters are 24 bytes", "pJ9Qv3w0xZk1xT7mB2sY8dLr5NfHcU6a", "24 bytes as base64"],
    ["31 characters are 31 bytes", "Zwolf Boxer jagen Viktor quer!!", "31 bytes as utf-8"],
  ])("is measured as the weakest that it can be: %s", async (_, text, measured) => {
    for (const production of [true, false]) {
      const problem = await problemOf(key(), text, production);
      expect(problem).toMatchObject({ kind: "invalid", message: expect.stringContaining(measured) });
    }
  });

  it("is measured and checked by an encoding that is given", async () => {
    const letters = "pJ9Qv3w0xZk1xT7mB2sY8dLr5NfHcU6a";
    expect(await accepts(key({ encoding: "utf-8" }), letters)).toBe(letters);
    expect(await problemOf(key({ encoding: "hex" }), good)).toMatchObject({
      message: expect.stringContaining("is not hex"),
    });
    expect(await problemOf(key({ encoding: "base64" }), good)).toMatchObject({ kind: "invalid" });
    expect(await accepts(key({ encoding: "base64url", minBytes: 16 }), good)).toBe(good);
  });

  it.each([
    "changeme-changeme-changeme-changeme-changeme",
    "your-256-bit-secret-your-256-bit-secret-your-256",
    "dev-key-12345-dev-key-12345-dev-key-12345-abcd",
    "a-string-secret-at-least-256-bits-long-for-jwt",
    "django-insecure-p9x&$(k2m@z!7v#q4w8e5r6t3y1u0i",
    "<paste your 32 byte key here, see the README file>",
    "{{ SIGNING_KEY_FROM_THE_VAULT_OF_THIS_ENVIRONMENT }}",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEYwJalrXUt",
    "replace-me-with-the-output-of-openssl-rand-base64",
    "local_only_local_only_not_for_any_real_use_at_all",
    "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "zqqzzzqzqqzzqzzzzqqqzqzzqqzqzzzqqzqqqzzqzqzzqqqz",
    "zyxwvutsrqponmlkjihgfedcbaZYXWVUTSRQPONMLKJIHGFEDCBA",
    "k7Rz2mQ9k7Rz2mQ9k7Rz2mQ9k7Rz2mQ9k7Rz2mQ9k7Rz2mQ9",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    "deadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeef",
  ])("that is no secret is refused in production and warned of elsewhere: %s", async (text) => {
    expect(await problemOf(key(), text, true)).toMatchObject({ kind: "weak" });
    const { lines, logger } = collectingLogger();
    await loadConfig({ K: key() }, { sources: sourcesOf({ K: text }), production: false, logger });
    expect(lines).toMatchObject([{ fields: { warnings: [{ variable: "K" }] } }]);
    expect(JSON.stringify(lines)).not.toContain(text);
  });

  it("equal to its development default or its example is refused in production", async () => {
    for (const schema of [key().devDefault(good), key().example(good), key().default(good)]) {
      expect(await problemOf(schema, good, true)).toMatchObject({ kind: "weak" });
    }
  });

  it("with a default in the code is refused in production where nothing is set", async () => {
    expect(await problemOf(key().default(good), undefined, true)).toMatchObject({ kind: "weak" });
    expect(
      await problemsOf(loadConfig({ K: key().devDefault(good) }, { sources: [], production: true })),
    ).toMatchObject([{ kind: "missing" }]);
  });

  it("of random bytes is taken, however many there are", async () => {
    for (let count = 0; count < 3000; count++) {
      // Random enough, and the same at each run.
      const bytes = createHash("sha256").update(String(count)).digest();
      const text = bytes.toString((["base64url", "hex", "base64"] as const)[count % 3]);
      expect(await accepts(key(), text)).toBe(text);
    }
  });
});

describe("generateKey", () => {
  it("gives 32 random bytes as base64url, or as many as asked for", () => {
    expect(Buffer.from(generateKey(), "base64url")).toHaveLength(32);
    expect(Buffer.from(generateKey(64), "base64url")).toHaveLength(64);
    expect(generateKey()).toMatch(/^[\w-]{43}$/);
    expect(generateKey()).not.toBe(generateKey());
  });
});
