// What has been tried on embedded dashboards elsewhere, and what comes of it here.

import { describe, expect, it } from "vitest";
import { memoryTokenStore } from "../src/index.ts";
import { CLAIMS, claimsWith, forge, HEADER } from "./forge.ts";
import { NOW, ORIGIN, setUp } from "./support.ts";

const seconds = NOW / 1000;
const withPayload = (changed: Readonly<Record<string, unknown>>): Promise<string> =>
  setUp().outcome(forge({ payload: claimsWith(changed) }));
const withText = (from: string, to: string): Promise<string> =>
  setUp().outcome(forge({ payload: JSON.stringify(CLAIMS).replace(from, to) }));

describe("claims that a key's thief, or a careless service, might sign:", () => {
  it.each(["iss", "aud", "sub", "jti", "iat", "nbf", "exp", "dashboard", "origins", "scopes", "filters"])(
    "none without %s",
    async (name) => {
      expect(await withPayload({ [name]: undefined })).toBe("malformed-claims");
      expect(await withPayload({ [name]: null })).toBe("malformed-claims");
    },
  );

  it.each(["iat", "nbf", "exp"])("%s is a whole number of seconds", async (name) => {
    for (const value of [`${seconds + 60}`, seconds + 0.5, -1, true, [], {}, NOW * 1e6]) {
      expect(await withPayload({ [name]: value }), JSON.stringify(value)).toMatch(
        /malformed-claims|too-long-lived|not-yet-valid/,
      );
    }
    for (const value of [
      "1e400",
      "-1e400",
      "1e300",
      "9007199254740993",
      "NaN",
      "Infinity",
      "0x7fffffff",
      "1800000060n",
      "01",
    ]) {
      const text = JSON.stringify(CLAIMS).replace(`"${name}":${CLAIMS[name as "exp"]}`, `"${name}":${value}`);
      expect(await setUp().outcome(forge({ payload: text })), value).toBe("malformed-claims");
    }
  });

  it("a life of ten years", async () => {
    expect(await withPayload({ exp: seconds + 315_360_000 })).toBe("too-long-lived");
  });

  it("a long life that began long ago", async () => {
    expect(await withPayload({ iat: seconds - 315_360_000 })).toBe("too-long-lived");
    expect(await withPayload({ iat: 0, nbf: 0 })).toBe("too-long-lived");
  });

  it("an end that is before the beginning, or is it", async () => {
    expect(await withPayload({ exp: seconds })).toBe("malformed-claims");
    expect(await withPayload({ exp: seconds - 1 })).toBe("malformed-claims");
    expect(await withPayload({ nbf: seconds + 60 })).toBe("malformed-claims");
  });

  it("a date in the future, to live longer or outlive a revocation", async () => {
    expect(await withPayload({ iat: seconds + 6, nbf: seconds, exp: seconds + 60 })).toBe("not-yet-valid");
    expect(await withPayload({ iat: seconds + 3600, nbf: seconds + 3600, exp: seconds + 3660 })).toBe("not-yet-valid");
  });

  it("a member twice, first good or last good, with whatever spelling", async () => {
    expect(await withText('"sub":"user-7"', '"sub":"admin","sub":"user-7"')).toBe("malformed-claims");
    expect(await withText('"sub":"user-7"', '"sub":"user-7","sub":"admin"')).toBe("malformed-claims");
    expect(await withText('"sub":"user-7"', '"s\\u0075b":"admin","sub":"user-7"')).toBe("malformed-claims");
    expect(await withText('"filters":{}', '"filters":{"a":1,"a":2}')).toBe("malformed-claims");
    expect(await withText('"filters":{}', '"filters":{"__proto__":1,"__proto__":2}')).toBe("malformed-claims");
    expect(await withText('"filters":{}', '"filters":{"":1,"":2}')).toBe("malformed-claims");
  });

  it("but what only looks like one is none", async () => {
    expect(await withText('"filters":{}', '"filters":{"a":"\\"a\\":1,\\"a\\":2"}')).toBe("accepted");
    expect(await withText('"filters":{}', '"filters":{"a":"::::{}\\\\","b:":":"}')).toBe("accepted");
    expect(await withText('"filters":{}', '"filters":{"a\\\\":"b","a\\"":":"}')).toBe("accepted");
    expect(await withText('"filters":{}', ' "filters" : { "a" : [ 1 , 2 ] } ')).toBe("accepted");
  });

  it("a prototype in the filters", async () => {
    const { tokens } = setUp();
    const payload = JSON.stringify(CLAIMS).replace('"filters":{}', '"filters":{"__proto__":"x","constructor":"y"}');
    const verified = await tokens.verify(forge({ payload }), { origin: ORIGIN });
    const filters = verified.ok ? verified.grant.filters : {};
    expect(Object.getPrototypeOf(filters)).toBe(Object.prototype);
    expect(Object.keys(filters)).toEqual(["__proto__", "constructor"]);
    expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
  });

  it("JSON that is no object, or no JSON", async () => {
    for (const payload of ["[]", "null", "1", '"a"', "", "{", "{}x", "{'a':1}", "{a:1}", "//", "\u0000", '{"a":1,}']) {
      expect(await setUp().outcome(forge({ payload }))).toMatch(/malformed/);
    }
  });
});

describe("texts made to keep a parser busy", () => {
  it("are refused by their length before anything is decoded", async () => {
    const { outcome } = setUp();
    for (const size of [8193, 100_000, 8_000_000]) {
      const long = "A".repeat(size);
      expect(await outcome(long)).toBe("malformed");
      expect(await outcome(forge({ header: { ...HEADER, kid: long } }))).toBe("malformed");
      expect(await outcome(`${forge()}.${long}`)).toBe("malformed");
      expect(await outcome(".".repeat(size))).toBe("malformed");
    }
  });

  it("are refused where they nest", async () => {
    const nested = (open: string, close: string, depth: number): Promise<string> =>
      withText('"filters":{}', `"filters":{"a":${open.repeat(depth)}1${close.repeat(depth)}}`);
    expect(await nested("[", "]", 2000)).toBe("malformed-claims");
    expect(await nested('{"a":', "}", 800)).toBe("malformed-claims");
    expect(await setUp().outcome(forge({ header: `${"[".repeat(3000)}${"]".repeat(3000)}` }))).toMatch(
      /malformed|wrong-header/,
    );
    expect(await setUp().outcome(forge({ header: { ...HEADER, kid: [[[[]]]] } }))).toBe("wrong-header");
  });
});

describe("a page that is not meant", () => {
  it.each([
    "https://portal.example.org.evil.example",
    "https://portal.example.org.",
    "https://portal.example.org:443",
    "https://portal.example.org:8443",
    "http://portal.example.org",
    "https://user@portal.example.org",
    "https://portal.example.org@evil.example",
    "https://evil.example/https://portal.example.org",
    "https://xportal.example.org",
    "https://portal-example.org",
    "https://portal.example.orgx",
    "https://PORTAL.example.org",
    "https://p\u043ertal.example.org",
    "https://xn--prtal-jye.example.org",
    "https://example.org",
    "https://sub.portal.example.org",
    " https://portal.example.org",
    "https://portal.example.org/",
    "https://portal.example.org, https://evil.example",
    "null",
  ])("is refused: %s", async (origin) => {
    const { issue, outcome } = setUp();
    expect(await outcome(await issue(), { origin })).toBe("wrong-origin");
  });
});

describe("a token that is used again", () => {
  it("is good for one of any number of callers at once", async () => {
    const { issue, outcome, clock } = setUp({ once: memoryTokenStore() });
    for (let round = 0; round < 20; round++) {
      const token = await issue();
      const outcomes = await Promise.all(Array.from({ length: 25 }, () => outcome(token)));
      expect(outcomes.filter((one) => one === "accepted")).toHaveLength(1);
      expect(new Set(outcomes)).toEqual(new Set(["accepted", "used"]));
      clock.advance(1);
    }
  });

  it("is not good again as another text", async () => {
    const { issue, outcome } = setUp({ once: memoryTokenStore() });
    const token = await issue();
    expect(await outcome(token)).toBe("accepted");
    for (const twin of [
      `${token}=`,
      `${token} `,
      ` ${token}`,
      `${token}\n`,
      `${token.slice(0, -1)}${String.fromCharCode(token.charCodeAt(token.length - 1) + 1)}`,
    ]) {
      expect(await outcome(twin)).toMatch(/malformed|wrong-signature/);
    }
  });
});
