import { describe, expect, it } from "vitest";
import { isAmong, isOrigin, isOriginPattern } from "../src/index.ts";

const ORIGINS = [
  "https://example.com",
  "http://example.com",
  "https://example.com.",
  "https://example.com:8443",
  "http://example.com:443",
  "https://xn--bcher-kva.example",
  "https://a_b.example.com",
  "https://localhost",
  "http://localhost:3000",
  "http://127.0.0.1:3000",
  "http://[::1]:3000",
  "https://[2001:db8::1]",
];

const NO_ORIGINS = [
  "",
  "null",
  "NULL",
  "undefined",
  "*",
  "https:",
  "https://",
  "example.com",
  "//example.com",
  "https://example.com/",
  "https://example.com/path",
  "https://example.com?",
  "https://example.com#",
  "https://example.com\\",
  "https://example.com:443",
  "http://example.com:80",
  "https://example.com:0443",
  "https://example.com:99999",
  "https://example.com:",
  "HTTPS://example.com",
  "https://Example.com",
  "https://EXAMPLE.com",
  "https://bücher.example",
  "https://user@example.com",
  "https://user:pass@example.com",
  "https://example.com@evil.example",
  "https://example.com\\@evil.example",
  "https://example%2ecom",
  "https://example.com%00.evil.example",
  " https://example.com",
  "https://example.com ",
  "https://example.com\n",
  "https://exam\tple.com",
  "https://example。com",
  "https://ex*mple.com",
  "https://*.example.com",
  "https://a;b.example.com",
  "https://a,b.example.com",
  "https://a'b.example.com",
  "https://0x7f.1",
  "http://2130706433",
  "http://127.1",
  "http://[0:0:0:0:0:0:0:1]",
  "https://[::1",
  "ftp://example.com",
  "file://",
  "file:///etc/passwd",
  "data:text/html,x",
  "about:blank",
  "blob:https://example.com/5c1c",
  "javascript:alert(1)",
  "chrome-extension://abcdefgh",
  "wss://example.com",
  "capacitor://localhost",
  `https://${"a".repeat(300)}.example`,
];

describe("an origin", () => {
  it.each(ORIGINS)("is %s", (text) => {
    expect(isOrigin(text)).toBe(true);
    expect(isOriginPattern(text)).toBe(true);
  });

  it.each(NO_ORIGINS)("is not %j", (text) => {
    expect(isOrigin(text)).toBe(false);
    expect(isAmong(text, ["https://example.com", "https://*.example.com", "https://127.0.0.1"])).toBe(false);
  });
});

describe("a wildcard", () => {
  it.each(["https://*.example.com", "http://*.example.com", "https://*.example.com:8443", "https://*.a.b.example.com"])(
    "may stand for the first label: %s",
    (text) => expect(isOriginPattern(text)).toBe(true),
  );

  it.each([
    "*",
    "*://example.com",
    "https://*",
    "https://*.",
    "https://*.com",
    "https://*.com.",
    "https://*.localhost",
    "https://*.127.0.0.1",
    "https://*.[::1]",
    "https://*example.com",
    "https://a*.example.com",
    "https://a.*.example.com",
    "https://*.*.example.com",
    "https://**.example.com",
    "https://example.*",
    "https://*.example.com/",
    "https://*.example.com:*",
    "https://*.example.com:443",
    "https://*.Example.com",
    "https://*.exa;mple.com",
    "https://*..example.com",
    "https://user@*.example.com",
    "https://*.example.com https://*.evil.example",
  ])("may not stand so: %s", (text) => expect(isOriginPattern(text)).toBe(false));
});

describe("a page is among those that a token names", () => {
  it("if its origin is the same, character by character", () => {
    for (const listed of ORIGINS) {
      for (const page of ORIGINS) expect(isAmong(page, [listed])).toBe(page === listed);
    }
    expect(isAmong("https://b.example", ["https://a.example", "https://b.example"])).toBe(true);
    expect(isAmong("https://b.example", [])).toBe(false);
  });

  const wildcard = ["https://*.example.com"];
  it.each(["https://a.example.com", "https://xn--bcher-kva.example.com", "https://a-b_c.example.com"])(
    "if one label stands in the wildcard's place: %s",
    (page) => expect(isAmong(page, wildcard)).toBe(true),
  );

  it.each([
    "https://example.com",
    "https://.example.com",
    "https://a.b.example.com",
    "https://aexample.com",
    "https://a.example.com.",
    "https://a.example.com:8443",
    "http://a.example.com",
    "https://a.example.com.evil.example",
    "https://evil.example/.example.com",
    "https://evil.example#.example.com",
    "https://evil.example?.example.com",
    "https://user@a.example.com",
    "https://A.example.com",
    "https://*.example.com",
    "https://a.example.org",
  ])("and not if anything else does: %s", (page) => expect(isAmong(page, wildcard)).toBe(false));

  it("and not by what is listed where nothing should be", () => {
    for (const listed of ["null", "", "*", "https://*", "https://*.", "://*.example.com"]) {
      for (const page of ["null", "", "https://a.example.com", "*"]) expect(isAmong(page, [listed])).toBe(false);
    }
  });
});
