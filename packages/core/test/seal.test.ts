import { randomBytes } from "node:crypto";
import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, expectTypeOf, it } from "vitest";
import { HoldfastError, Secret } from "../src/index.ts";
import { createSeal, type Seal, SealError, type SealErrorCode, type SealKey } from "../src/seal.ts";

const CONTEXT = "tenant/7/smtp-password";
const MOST_BYTES = 65_536;

const newKey = (id = "k1"): SealKey => ({ id, key: randomBytes(32) });
const newSeal = (...keys: readonly SealKey[]): Seal => createSeal({ keys: keys.length > 0 ? keys : [newKey()] });

const failure = (act: () => unknown): SealError => {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(SealError);
    return error as SealError;
  }
  throw new Error("nothing was thrown");
};

const payloadOf = (sealed: string) => Buffer.from(sealed.split(".")[2]!, "base64url");
const withPayload = (sealed: string, payload: Buffer) =>
  [...sealed.split(".").slice(0, 2), payload.toString("base64url")].join(".");

/** As fast-check's unit "binary", any code point that is no half of a pair; that one takes seconds to list them all first. */
const character = fc.nat({ max: 0x10f7ff }).map(characterOf, numberOf);

function characterOf(number: number): string {
  return String.fromCodePoint(number < 0xd800 ? number : number + 0x800);
}

/** Without it fast-check would leave out its texts of ill repute, such as `__proto__`. */
function numberOf(text: unknown): number {
  const point = String(text).codePointAt(0) ?? 0;
  const number = point < 0xd800 ? point : point - 0x800;
  if (characterOf(number) !== text) throw new Error("not one character");
  return number;
}

describe("seal and open", () => {
  it("give back the bytes that went in", () => {
    const seal = newSeal();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), fc.string({ unit: character }), (bytes, context) => {
        const opened = seal.open(seal.seal(bytes, context), context);
        expect(opened).toEqual(bytes);
        expect(opened.constructor).toBe(Uint8Array);
      }),
    );
  });

  it("give back the text that went in", () => {
    const seal = newSeal();
    fc.assert(
      fc.property(fc.string({ unit: character }), (text) => {
        expect(seal.openText(seal.seal(text, CONTEXT), CONTEXT)).toBe(text);
      }),
    );
    expect(seal.openText(seal.seal("\uFEFFwith a byte order mark", CONTEXT), CONTEXT)).toBe(
      "\uFEFFwith a byte order mark",
    );
    expect(seal.openText(seal.seal("", CONTEXT), CONTEXT)).toBe("");
  });

  it("write hf1, the key's id and base64url, 28 bytes longer than the plaintext", () => {
    const sealed = newSeal(newKey("2026-10_a")).seal("hunter2", CONTEXT);
    expect(sealed).toMatch(/^hf1\.2026-10_a\.[A-Za-z0-9_-]+$/);
    expect(payloadOf(sealed)).toHaveLength("hunter2".length + 28);
  });

  it("open a text put together by hand from the documented format", () => {
    const key = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
    const sealed = "hf1.k1.AAECAwQFBgcICQoLL3e4b6CX8Bl96NeApwcHWSbP3vQjmcM";
    expect(newSeal({ id: "k1", key }).openText(sealed, CONTEXT)).toBe("hunter2");
  });

  it("never give one text twice, nor use a nonce twice", () => {
    const seal = newSeal();
    const sealed = Array.from({ length: 10_000 }, () => seal.seal("hunter2", CONTEXT));
    expect(new Set(sealed.map((text) => payloadOf(text).subarray(0, 12).toString("hex"))).size).toBe(10_000);
    expect(new Set(sealed.map((text) => payloadOf(text).subarray(12).toString("hex"))).size).toBe(10_000);
  });

  it("say nothing of the plaintext but its length", () => {
    const sealed = newSeal().seal("hunter2", CONTEXT);
    expect(payloadOf(sealed).toString("latin1")).not.toContain("hunter2");
    expect(sealed).not.toContain("tenant");
  });
});

describe("open refuses", () => {
  it("every text with one bit of one character flipped", () => {
    const seal = newSeal();
    const sealed = seal.seal("hunter2", CONTEXT);
    const codes = new Set<string>();
    for (let i = 0; i < sealed.length; i++) {
      for (let bit = 0; bit < 16; bit++) {
        const flipped =
          sealed.slice(0, i) + String.fromCharCode(sealed.charCodeAt(i) ^ (1 << bit)) + sealed.slice(i + 1);
        codes.add(failure(() => seal.open(flipped, CONTEXT)).code);
      }
    }
    expect([...codes].sort()).toEqual(["MALFORMED", "NOT_AUTHENTIC", "UNKNOWN_KEY", "UNSUPPORTED_VERSION"]);
  });

  it("every text with one bit of nonce, ciphertext or tag flipped, as not authentic", () => {
    const seal = newSeal();
    const sealed = seal.seal("hunter2", CONTEXT);
    const payload = payloadOf(sealed);
    for (let bit = 0; bit < payload.length * 8; bit++) {
      const flipped = Buffer.from(payload);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(failure(() => seal.open(withPayload(sealed, flipped), CONTEXT)).code).toBe("NOT_AUTHENTIC");
    }
  });

  it("every text with one character replaced, inserted or left out", () => {
    const seal = newSeal();
    const sealed = seal.seal("hunter2", CONTEXT);
    fc.assert(
      fc.property(fc.nat({ max: sealed.length - 1 }), fc.string({ maxLength: 2, unit: character }), (at, put) => {
        const changed = sealed.slice(0, at) + put + sealed.slice(at + 1);
        fc.pre(changed !== sealed);
        failure(() => seal.open(changed, CONTEXT));
      }),
      { numRuns: 2000 },
    );
  });

  it("every truncation, at either end", () => {
    const seal = newSeal();
    const sealed = seal.seal("hunter2", CONTEXT);
    for (let i = 1; i <= sealed.length; i++) {
      failure(() => seal.open(sealed.slice(0, -i), CONTEXT));
      failure(() => seal.open(sealed.slice(i), CONTEXT));
    }
  });

  it("a value under another context, however alike", () => {
    const seal = newSeal();
    const sealed = seal.seal("hunter2", CONTEXT);
    for (const other of [
      "",
      "tenant/8/smtp-password",
      `${CONTEXT} `,
      CONTEXT.toUpperCase(),
      CONTEXT.slice(1),
      `.${CONTEXT}`,
    ]) {
      expect(failure(() => seal.open(sealed, other)).code).toBe("NOT_AUTHENTIC");
    }
    expect(failure(() => seal.open(seal.seal("x", "\u00e9"), "e\u0301")).code).toBe("NOT_AUTHENTIC");
  });

  it("a value whose key id was changed to that of the same key under another name", () => {
    const { key } = newKey();
    const seal = newSeal({ id: "a", key }, { id: "b", key });
    expect(failure(() => seal.open(seal.seal("hunter2", CONTEXT).replace("hf1.a.", "hf1.b."), CONTEXT)).code).toBe(
      "NOT_AUTHENTIC",
    );
  });

  it("a part of id and context moved over to the other", () => {
    const { key } = newKey();
    const sealed = newSeal({ id: "a", key }).seal("hunter2", "b.c");
    expect(failure(() => newSeal({ id: "a", key }).open(sealed, "b")).code).toBe("NOT_AUTHENTIC");
    expect(failure(() => newSeal({ id: "b", key }).open(sealed.replace("hf1.a.", "hf1.b."), "a.b.c")).code).toBe(
      "NOT_AUTHENTIC",
    );
  });

  it("a value sealed by another key of the same id", () => {
    const sealed = newSeal(newKey("k1")).seal("hunter2", CONTEXT);
    expect(failure(() => newSeal(newKey("k1")).open(sealed, CONTEXT)).code).toBe("NOT_AUTHENTIC");
  });

  it("a value whose key is not in the ring, naming the id", () => {
    const error = failure(() => newSeal(newKey("new")).open(newSeal(newKey("old")).seal("hunter2", CONTEXT), CONTEXT));
    expect(error).toMatchObject({ code: "UNKNOWN_KEY", message: expect.stringContaining('"old"') });
  });

  it.each(["hf2.k1.AAAA", "hf2.anything at all", "hf10.k1.AAAA", "hf9999."])(
    "%j, from a later version, with a code of its own",
    (sealed) => {
      expect(failure(() => newSeal().open(sealed, CONTEXT))).toMatchObject({
        code: "UNSUPPORTED_VERSION",
        message: expect.stringContaining("update"),
      });
    },
  );

  it.each([
    "",
    "hf1",
    "hf1.",
    "hf1.k1",
    "hf1.k1.",
    "hf1..AAAA",
    "hf1.k1.AAAA",
    `hf1.k1.${"A".repeat(36)}`,
    `hf1.k1.${"A".repeat(37)}`,
    `hf1.${"k".repeat(33)}.${"A".repeat(64)}`,
    `hf1.k 1.${"A".repeat(64)}`,
    `hf1.k1.${"A".repeat(64)}.`,
    `hf1.k1.${"A".repeat(64)}\n`,
    ` hf1.k1.${"A".repeat(64)}`,
    `HF1.k1.${"A".repeat(64)}`,
    `hf01.k1.${"A".repeat(64)}`,
    `hf0.k1.${"A".repeat(64)}`,
    `hf1.k1.${"A".repeat(100_000)}`,
    "x".repeat(1_000_000),
    null,
    undefined,
    7,
    {},
  ])("%j as malformed", (sealed) => {
    expect(failure(() => newSeal().open(sealed as string, CONTEXT)).code).toBe("MALFORMED");
  });

  it("base64url that is not in its one canonical form", () => {
    const seal = newSeal();
    // 28 bytes take 38 characters with 4 bits to spare; 29 bytes take 39 with 2.
    for (const plaintext of ["", "a"]) {
      const sealed = seal.seal(plaintext, CONTEXT);
      const spare = plaintext === "" ? 15 : 3;
      const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
      const last = alphabet.indexOf(sealed.at(-1)!);
      for (let bits = 1; bits <= spare; bits++) {
        const twin = sealed.slice(0, -1) + alphabet[last ^ bits];
        expect(payloadOf(twin)).toEqual(payloadOf(sealed));
        expect(failure(() => seal.open(twin, CONTEXT)).code).toBe("MALFORMED");
      }
    }
    const sealed = seal.seal(Buffer.alloc(200, 1), CONTEXT);
    for (const twin of [
      `${sealed}=`,
      `${sealed}==`,
      sealed.replaceAll("-", "+").replaceAll("_", "/"),
      sealed.replace(/(....)$/, " $1"),
    ]) {
      if (twin !== sealed) expect(failure(() => seal.open(twin, CONTEXT)).code).toBe("MALFORMED");
    }
  });

  it("to show as text what is no UTF-8", () => {
    const seal = newSeal();
    expect(failure(() => seal.openText(seal.seal(new Uint8Array([0xff, 0xfe]), CONTEXT), CONTEXT)).code).toBe(
      "NOT_TEXT",
    );
  });
});

describe("seal refuses", () => {
  it("more than 65,536 bytes, and takes that many", () => {
    const seal = newSeal(newKey("k".repeat(32)));
    const most = randomBytes(MOST_BYTES);
    expect(Buffer.from(seal.open(seal.seal(most, CONTEXT), CONTEXT)).equals(most)).toBe(true);
    expect(failure(() => seal.seal(new Uint8Array(MOST_BYTES + 1), CONTEXT))).toMatchObject({
      code: "TOO_LARGE",
      message: expect.stringContaining("65536"),
    });
    // Counted in bytes: 32,769 two-byte letters.
    expect(failure(() => seal.seal("é".repeat(MOST_BYTES / 2 + 1), CONTEXT)).code).toBe("TOO_LARGE");
  });

  it.each([null, undefined, 7, {}, ["a"], "lone \ud800 surrogate"])("the plaintext %j", (plaintext) => {
    expect(failure(() => newSeal().seal(plaintext as string, CONTEXT)).code).toBe("INVALID_PLAINTEXT");
  });

  it.each([null, undefined, 7, {}, "lone \ud800 surrogate"])("the context %j, and so does open", (context) => {
    const seal = newSeal();
    const sealed = seal.seal("hunter2", CONTEXT);
    expect(failure(() => seal.seal("hunter2", context as string)).code).toBe("INVALID_CONTEXT");
    expect(failure(() => seal.open(sealed, context as string)).code).toBe("INVALID_CONTEXT");
  });
});

describe("a ring of keys", () => {
  it("seals by the first and opens by all", () => {
    const [older, newer] = [newKey("older"), newKey("newer")];
    const before = newSeal(older).seal("hunter2", CONTEXT);
    const seal = newSeal(newer, older);
    expect(seal.openText(before, CONTEXT)).toBe("hunter2");
    expect(seal.seal("hunter2", CONTEXT)).toMatch(/^hf1\.newer\./);
  });

  it("rotates: what the first key did not seal needs a reseal, and then no more", () => {
    const [older, newer] = [newKey("older"), newKey("newer")];
    const before = newSeal(older).seal("hunter2", CONTEXT);
    const seal = newSeal(newer, older);
    expect(seal.needsReseal(before)).toBe(true);
    const after = seal.reseal(before, CONTEXT);
    expect(seal.needsReseal(after)).toBe(false);
    expect(newSeal(newer).openText(after, CONTEXT)).toBe("hunter2");
  });

  it("reseals bytes that are no text, and what the first key sealed", () => {
    const seal = newSeal();
    const bytes = new Uint8Array([0xff, 0xfe, 0]);
    const sealed = seal.seal(bytes, CONTEXT);
    const resealed = seal.reseal(sealed, CONTEXT);
    expect(resealed).not.toBe(sealed);
    expect(seal.open(resealed, CONTEXT)).toEqual(bytes);
  });

  it("does not reseal what it can't open", () => {
    const seal = newSeal();
    expect(failure(() => seal.reseal(seal.seal("hunter2", CONTEXT), "other")).code).toBe("NOT_AUTHENTIC");
  });

  it("does not say of a value that it can't open that it needs a reseal", () => {
    const seal = newSeal();
    expect(failure(() => seal.needsReseal(newSeal(newKey("old")).seal("x", CONTEXT))).code).toBe("UNKNOWN_KEY");
    expect(failure(() => seal.needsReseal("hf2.k1.AAAA")).code).toBe("UNSUPPORTED_VERSION");
    expect(failure(() => seal.needsReseal("x")).code).toBe("MALFORMED");
  });
});

describe("createSeal", () => {
  it("takes a key as bytes, as base64url and as a Secret of either", () => {
    const bytes = new Uint8Array(randomBytes(32));
    const text = Buffer.from(bytes).toString("base64url");
    const sealed = newSeal({ id: "k1", key: bytes }).seal("hunter2", CONTEXT);
    for (const key of [text, new Secret(bytes), new Secret(text), Buffer.from(bytes)]) {
      expect(newSeal({ id: "k1", key }).openText(sealed, CONTEXT)).toBe("hunter2");
    }
    expectTypeOf<Secret>().toExtend<SealKey["key"]>();
    expectTypeOf<Secret<Uint8Array>>().toExtend<SealKey["key"]>();
  });

  it("keeps its own copy of the key's bytes", () => {
    const key = randomBytes(32);
    const seal = newSeal({ id: "k1", key });
    const sealed = seal.seal("hunter2", CONTEXT);
    key.fill(0);
    expect(seal.openText(sealed, CONTEXT)).toBe("hunter2");
  });

  it.each([
    ["31 bytes", randomBytes(31)],
    ["33 bytes", randomBytes(33)],
    ["no bytes", new Uint8Array()],
    ["32 zero bytes", new Uint8Array(32)],
    ["32 equal bytes", new Uint8Array(32).fill(7)],
    ["43 characters that mean 32 equal bytes", Buffer.alloc(32, 1).toString("base64url")],
    ["a password of 32 characters", "correct-horse-battery-staple-xxx"],
    ["64 hexadecimal digits", randomBytes(32).toString("hex")],
    ["padded base64", Buffer.alloc(32, "ab").toString("base64")],
    ["base64 of the other alphabet", `${"+".repeat(42)}A`],
    ["base64url with stray bits at the end", `${"_".repeat(42)}B`],
    ["a Secret of too few bytes", new Secret(randomBytes(16))],
    ["an empty string", ""],
    ["null", null],
    ["undefined", undefined],
    ["a number", 7],
    ["an array", Array.from(randomBytes(32))],
  ])("refuses %s as a key", (_, key) => {
    expect(failure(() => newSeal({ id: "k1", key: key as string }))).toMatchObject({
      code: "INVALID_KEY",
      message: expect.stringContaining('"k1"'),
    });
  });

  it.each(["", "k".repeat(33), "a.b", "a b", "é", "k\n", null, undefined, 7])("refuses %j as a key's id", (id) => {
    expect(failure(() => newSeal({ id: id as string, key: randomBytes(32) })).code).toBe("INVALID_KEY");
  });

  it("refuses an id given twice, and an empty ring", () => {
    expect(failure(() => newSeal(newKey("k1"), newKey("k1")))).toMatchObject({ code: "INVALID_KEY" });
    expect(failure(() => createSeal({ keys: [] }))).toMatchObject({ code: "INVALID_KEY" });
  });
});

describe("a secret", () => {
  it("is in no error, whatever fails", () => {
    const key = randomBytes(33).toString("base64url");
    const seal = newSeal();
    const sealed = seal.seal("hunter2", CONTEXT);
    const errors = [
      failure(() => newSeal({ id: "k1", key })),
      failure(() => newSeal({ id: key, key: "k1" })),
      failure(() => seal.seal("hunter2".repeat(20_000), CONTEXT)),
      failure(() => seal.seal("hunter2\ud800", CONTEXT)),
      failure(() => seal.open(sealed, "other")),
      failure(() => seal.open("hunter2", CONTEXT)),
      failure(() => seal.openText(seal.seal(Buffer.from("hunter2\xff", "latin1"), CONTEXT), CONTEXT)),
    ];
    for (const error of errors) {
      expect(inspect(error, { showHidden: true, depth: null })).not.toMatch(new RegExp(`hunter2|smtp-password|${key}`));
    }
  });

  it("is not to be seen in a seal", () => {
    const key = randomBytes(32);
    const shown = inspect(newSeal({ id: "k1", key }), { showHidden: true, depth: null });
    for (const encoding of ["hex", "base64", "base64url"] as const) expect(shown).not.toContain(key.toString(encoding));
  });

  it("has errors of one class, each with a code", () => {
    expectTypeOf<SealError["code"]>().toEqualTypeOf<SealErrorCode>();
    expect(failure(() => createSeal({ keys: [] }))).toBeInstanceOf(HoldfastError);
    expect(failure(() => createSeal({ keys: [] })).name).toBe("SealError");
  });
});
