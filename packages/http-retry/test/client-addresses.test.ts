import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CallOptions, createHttpClient, HttpRetryError } from "../src/index.ts";
import { Recorder } from "./recorder.ts";

async function sent(baseUrl: string | undefined, url: string | URL, options?: CallOptions): Promise<string> {
  const dispatcher = new Recorder();
  const client = createHttpClient({ dispatcher, ...(baseUrl !== undefined && { baseUrl }) });
  await client.get(url, options);
  const [request] = dispatcher.requests;
  return `${request?.origin}${request?.path}`;
}

describe("a path", () => {
  it.each([
    ["https://api.test", "users", "https://api.test/users"],
    ["https://api.test", "/users", "https://api.test/users"],
    ["https://api.test/", "", "https://api.test/"],
    ["https://api.test/v1", "users", "https://api.test/v1/users"],
    ["https://api.test/v1/", "/users/", "https://api.test/v1/users/"],
    ["https://api.test/v1", "", "https://api.test/v1"],
    ["https://api.test/v1", "?page=2", "https://api.test/v1?page=2"],
    ["https://api.test", "?page=2", "https://api.test/?page=2"],
    ["https://api.test/v1", "users?name=a b", "https://api.test/v1/users?name=a%20b"],
    ["https://api.test/v1", "users/ü#part", "https://api.test/v1/users/%C3%BC"],
    ["https://api.test/v1", "//other.test/users", "https://api.test/v1//other.test/users"],
    ["https://api.test/v1", "users/./a/../b", "https://api.test/v1/users/b"],
    ["https://api.test/v1", "users/a%2Fb", "https://api.test/v1/users/a%2Fb"],
    ["HTTPS://API.test:443/v1", "users", "https://api.test/v1/users"],
  ])("under %s, %j is %s", async (baseUrl, path, url) => {
    expect(await sent(baseUrl, path)).toBe(url);
  });

  it.each(["../admin", "users/../../admin", "%2e%2e/admin", "..", "/../v10/users", "\\..\\..\\admin"])(
    "%j may not leave the base's own path",
    async (path) => {
      const failure = await sent("https://api.test/v1", path).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(HttpRetryError);
      expect(failure).toMatchObject({
        code: "INVALID_OPTION",
        message: expect.stringContaining("leaves the client's"),
      });
    },
  );

  it("needs a base", async () => {
    await expect(sent(undefined, "users")).rejects.toMatchObject({
      code: "INVALID_OPTION",
      message: '"users" has no origin; give an absolute URL, or the client a baseUrl',
    });
  });
});

describe("an absolute URL", () => {
  it.each([
    ["https://api.test/users?x=1", "https://api.test/users?x=1"],
    ["https://API.test:443/users", "https://api.test/users"],
    ["http://127.1/", "http://127.0.0.1/"],
    ["http://api.test", "http://api.test/"],
    ["http://api.test?x=1", "http://api.test/?x=1"],
    ["http://api.test/a b", "http://api.test/a%20b"],
    ["http://api.test:8080/a'b?c'd", "http://api.test:8080/a'b?c%27d"],
    ["http://api.test//a/../b", "http://api.test//b"],
    ["http://api.test\\a/b", "http://api.test/a/b"],
    ["http://api.test?x=/y", "http://api.test/?x=/y"],
    ["http://api.test#/y", "http://api.test/"],
    ["http:///api.test/a", "http://api.test/a"],
    ["http://a\tpi.test/a/b", "http://api.test/a/b"],
  ])("%j goes to %s, base or none, and again", async (url, expected) => {
    const dispatcher = new Recorder();
    const client = createHttpClient({ dispatcher });
    for (let call = 0; call < 3; call++) await client.get(url);
    const urls = dispatcher.requests.map(({ origin, path }) => origin + path);
    expect(urls).toEqual([expected, expected, expected]);
    expect(await sent("https://other.test/v1", url)).toBe(expected);
    expect(await sent(undefined, new URL(url))).toBe(expected);
  });

  it("is read as the URL standard reads it, whatever came before", async () => {
    const text = (maxLength: number) =>
      fc.string({ unit: fc.constantFrom(..."aZ9/.%2e?#&=:@\\\t '~-_;,+[]"), maxLength });
    const start = fc.tuple(fc.constantFrom("http://", "HTTPS://"), fc.constantFrom("a.test", "a", "0x7f.1"), text(3));
    await fc.assert(
      // Most begin alike, as those do that one client is given.
      fc.asyncProperty(start, fc.array(text(8), { minLength: 2, maxLength: 6 }), async (prefix, ends) => {
        const dispatcher = new Recorder();
        const client = createHttpClient({ dispatcher });
        for (const one of ends.map((end) => `${prefix.join("")}${end}`)) {
          const standard = URL.parse(one);
          const isTaken = standard !== null && standard.username === "" && standard.password === "";
          const isSent = await client.get(one).then(
            () => true,
            () => false,
          );
          expect(isSent).toBe(isTaken);
          const sentTo = dispatcher.requests.at(-1);
          if (isTaken)
            expect(`${sentTo?.origin}${sentTo?.path}`).toBe(standard.origin + standard.pathname + standard.search);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("is told from another one that begins as the last one did", async () => {
    const dispatcher = new Recorder();
    const client = createHttpClient({ dispatcher });
    await client.get("http://api.test/a");
    await client.get("http://api.test.evil.test/a");
    await client.get("http://api.test@evil.test/a").then(null, () => {});
    expect(dispatcher.requests.map(({ origin }) => origin)).toEqual(["http://api.test", "http://api.test.evil.test"]);
  });

  it.each([
    ["ftp://api.test/users", '"ftp://api.test/users" '],
    ["http://", '"http://"'],
    ["http://user:secret@api.test/", '"api.test" was given with credentials'],
    ["http://user:secret@:0:/?token=secret", "is not a URL"],
    [new URL("file:///etc/passwd?secret"), '"file:///etc/passwd" is neither http nor https'],
  ])("is refused when it is %s, and never repeated with its secrets", async (url, message) => {
    const failure = await sent(undefined, url).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "INVALID_OPTION", message: expect.stringContaining(message) });
    expect((failure as Error).message).not.toContain("secret");
  });
});

describe("a base URL", () => {
  it.each([
    "api.test",
    "ftp://api.test",
    "https://api.test/?key=secret",
    "https://api.test/#a",
    "https://u:secret@api.test",
  ])("is refused when it is %s", (baseUrl) => {
    expect(() => createHttpClient({ baseUrl })).toThrow(HttpRetryError);
    expect(() => createHttpClient({ baseUrl })).not.toThrow("secret");
  });
});

describe("a query", () => {
  it.each([
    ["users", { page: 2, all: true, q: "a b&c" }, "/users?page=2&all=true&q=a+b%26c"],
    ["users?x=1", { page: 2 }, "/users?x=1&page=2"],
    ["users?", { page: 2 }, "/users?page=2"],
    ["users", { id: [1, 2], none: undefined, list: [] }, "/users?id=1&id=2"],
    ["users", {}, "/users"],
    ["users", new URLSearchParams("a=1&a=2"), "/users?a=1&a=2"],
  ])("is put after what %j has: %j", async (path, query, expected) => {
    expect(await sent("https://api.test", path, { query })).toBe(`https://api.test${expected}`);
  });
});
