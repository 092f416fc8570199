import { describe, expect, it } from "vitest";
import { z } from "zod";
import { createHttpClient, HttpRetryError, type StandardSchemaV1 } from "../src/index.ts";
import { Recorder } from "./recorder.ts";

const User = z.object({ id: z.number(), email: z.email(), tags: z.array(z.string()).default([]) });

function answering(body: string, status = 200): ReturnType<typeof createHttpClient> {
  return createHttpClient({ baseUrl: "https://api.test", dispatcher: new Recorder({ status, body }) });
}

async function failure(promise: PromiseLike<unknown>): Promise<HttpRetryError> {
  const error = await promise.then(null, (reason: unknown) => reason);
  expect(error).toBeInstanceOf(HttpRetryError);
  return error as HttpRetryError;
}

describe("JSON of a response", () => {
  it("is parsed, a byte order mark or not", async () => {
    expect(await answering('{"a":[1,"ü"]}').get("x").json()).toEqual({ a: [1, "ü"] });
    expect(await answering('\ufeff{"a":1}').get("x").json()).toEqual({ a: 1 });
    expect(await (await answering("[]").get("x")).json()).toEqual([]);
  });

  it("gives no object another prototype", async () => {
    const parsed = (await answering('{"__proto__":{"isAdmin":true}}').get("x").json()) as { isAdmin?: boolean };
    expect(parsed.isAdmin).toBeUndefined();
    expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype);
  });

  it.each([
    ["", "an empty body that is not JSON"],
    ["<html>secret</html>", "a body that is not JSON"],
    ['{"secret":', "a body that is not JSON"],
  ])("that is %j is INVALID_JSON, with the response but not its text in the message", async (body, message) => {
    const error = await failure(answering(body).get("x?token=secret").json());
    expect(error).toMatchObject({
      code: "INVALID_JSON",
      message: `GET https://api.test/x answered 200 with ${message}`,
      response: { status: 200, isTruncated: false },
    });
    expect(error.response?.text()).toBe(body);
    expect(error.cause).toBeUndefined();
  });
});

describe("a schema", () => {
  it("checks the JSON, whether it is the call's or given to json()", async () => {
    const body = '{"id":7,"email":"ada@example.com"}';
    const user = { id: 7, email: "ada@example.com", tags: [] };
    expect(await answering(body).get("x").json(User)).toEqual(user);
    expect(await answering(body).get("x", { schema: User }).json()).toEqual(user);
    const response = await answering(body).get("x", { schema: User });
    expect(await response.json()).toEqual(user);
    expect(await response.json(z.object({ id: z.number() }))).toEqual({ id: 7 });
  });

  it("names in the message where it refuses, and never a value", async () => {
    const error = await failure(answering('{"id":"secret","email":"secret","tags":["a",1]}').get("x").json(User));
    expect(error).toMatchObject({
      code: "INVALID_DATA",
      message: "GET https://api.test/x answered 200 with JSON that the schema refuses at id, email, tags[1]",
    });
    expect(error.issues?.map(({ path }) => path)).toEqual([["id"], ["email"], ["tags", 1]]);
    expect(error.response?.json()).toEqual({ id: "secret", email: "secret", tags: ["a", 1] });
  });

  it("names the first five places of many", async () => {
    const wrong = JSON.stringify(Array.from({ length: 1000 }, () => "x"));
    const error = await failure(answering(wrong).get("x").json(z.array(z.number())));
    expect(error.message).toMatch(/at \[0\], \[1\], \[2\], \[3\], \[4\], 995 more places$/);
    expect(await failure(answering("7").get("x").json(User))).toMatchObject({
      message: expect.stringMatching(/refuses at its top$/),
    });
  });

  it("of any library will do, also one that takes its time", async () => {
    const even: StandardSchemaV1<unknown, number> = {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: async (value) =>
          typeof value === "number" && value % 2 === 0
            ? { value }
            : { issues: [{ message: "odd", path: [{ key: "a" }, Symbol("b")] }] },
      },
    };
    expect(await answering("8").get("x").json(even)).toBe(8);
    expect(await failure(answering("7").get("x").json(even))).toMatchObject({
      message: expect.stringMatching(/refuses at a\.Symbol\(b\)$/),
    });
  });

  it("may make undefined", async () => {
    expect(
      await answering("1")
        .get("x")
        .json(z.any().transform(() => undefined)),
    ).toBeUndefined();
  });
});

describe("a body given as json", () => {
  it("is sent as JSON, with its type unless the caller names another", async () => {
    const dispatcher = new Recorder();
    const client = createHttpClient({ baseUrl: "https://api.test", dispatcher });
    await client.post("x", { json: { a: [1, null] } });
    await client.post("x", { json: "text", headers: { "Content-Type": "application/merge-patch+json" } });
    await client.post("x", { json: null });
    expect(dispatcher.requests.map(({ body, headers }) => [body, headers["content-type"]])).toEqual([
      ['{"a":[1,null]}', "application/json"],
      ['"text"', "application/merge-patch+json"],
      ["null", "application/json"],
    ]);
  });

  it.each([
    [{ json: () => {} }, "json is a function, which JSON can't express"],
    [{ json: {}, body: "x" }, "json and body were both given; give one of them"],
  ])("is refused where it can't be: %j", async (options, message) => {
    expect(await failure(answering("").post("x", options))).toMatchObject({ code: "INVALID_OPTION", message });
  });
});
