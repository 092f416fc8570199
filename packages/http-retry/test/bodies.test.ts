import { Readable } from "node:stream";
import { arrayBuffer } from "node:stream/consumers";
import { expect, test } from "vitest";
import { type BodyInput, bodyOf } from "../src/body/body-of.ts";
import type { RequestBody } from "../src/body/request-body.ts";
import { createHttpClient } from "../src/index.ts";
import { startScriptedServer } from "../src/testing.ts";

const open = (input: BodyInput): RequestBody => bodyOf(input, { replayLimit: 1024 });

async function sent(body: RequestBody): Promise<string> {
  const wire = await body.open();
  return typeof wire === "string" || wire instanceof Uint8Array
    ? Buffer.from(wire as string).toString()
    : Buffer.from(await arrayBuffer(wire)).toString();
}

const bytes = new TextEncoder().encode("ü= &");

const kinds: readonly [string, () => BodyInput, Partial<RequestBody>][] = [
  ["text", () => "ü= &", { length: 5, contentType: "text/plain;charset=UTF-8" }],
  ["a Uint8Array", () => bytes, { length: 5, contentType: undefined }],
  ["a Buffer", () => Buffer.from("ü= &"), { length: 5, contentType: undefined }],
  ["an ArrayBuffer", () => bytes.buffer, { length: 5, contentType: undefined }],
  ["a Blob", () => new Blob(["ü= &"], { type: "text/css" }), { length: 5, contentType: "text/css" }],
  ["a Blob without a type", () => new Blob(["ü= &"]), { length: 5, contentType: undefined }],
  ["a stream", () => Readable.from(["ü=", " &"]), { length: undefined, contentType: undefined }],
  ["a function that gives text", () => () => "ü= &", { length: undefined, contentType: undefined }],
  ["a function that gives a promise of bytes", () => async () => bytes, { length: undefined, contentType: undefined }],
  ["a function that gives a stream", () => () => Readable.from(["ü=", " &"]), { length: undefined }],
];

test.each(kinds)("%s is sent, and sent again", async (_, make, facts) => {
  const body = open(make());
  expect(body).toMatchObject(facts);
  expect([await sent(body), await sent(body)]).toEqual(["ü= &", "ü= &"]);
  expect(body.isReplayable).toBe(true);
});

test("a view is sent without what is around it in its buffer", async () => {
  const whole = new TextEncoder().encode("-middle-").buffer;
  const body = open(new DataView(whole, 1, 6));
  expect(body.length).toBe(6);
  expect(await sent(body)).toBe("middle");
});

test("URLSearchParams are sent as a form", async () => {
  const body = open(new URLSearchParams({ a: "ü= &" }));
  expect(body).toMatchObject({ length: 15, contentType: "application/x-www-form-urlencoded;charset=UTF-8" });
  expect(await sent(body)).toBe("a=%C3%BC%3D+%26");
});

test("a function is called for each attempt", async () => {
  let calls = 0;
  const body = open(() => `${++calls}`);
  expect([await sent(body), await sent(body)]).toEqual(["1", "2"]);
});

test("what a function throws goes to the attempt", async () => {
  const body = open(() => {
    throw new Error("gone");
  });
  await expect(body.open()).rejects.toThrow("gone");
});

test("streams that a function made are destroyed at the end, the one too that comes after it", async () => {
  const made: Readable[] = [];
  const body = open(async () => {
    const stream = new Readable({ read() {} });
    made.push(stream);
    return stream;
  });
  await body.open();
  const late = body.open();
  body.close(new Error("over"));
  await expect(late).rejects.toThrow("over");
  expect(made.map(({ destroyed }) => destroyed)).toEqual([true, true]);
});

test.each([
  [
    "a stream that has ended",
    async () =>
      Readable.from([])
        .resume()
        .on("error", () => {})
        .destroy(),
  ],
  [
    "a web stream that is locked",
    async () => {
      const stream = ReadableStream.from(["a"]);
      stream.getReader();
      return stream;
    },
  ],
  [
    "a web stream that has been read",
    async () => {
      const stream = ReadableStream.from(["a"]);
      const reader = stream.getReader();
      await reader.read();
      reader.releaseLock();
      return stream;
    },
  ],
])("%s is refused, with the remedy", async (_, make) => {
  const input = (await make()) as Readable;
  expect(() => open(input)).toThrow(
    expect.objectContaining({ code: "INVALID_OPTION", message: expect.stringContaining("function") }),
  );
});

test.each([undefined, null, 5, { a: 1 }, true, ["a"]])("%j is refused by its type", (input) => {
  expect(() => open(input as never)).toThrow(
    expect.objectContaining({ code: "INVALID_OPTION", message: expect.stringContaining("can't be a request body") }),
  );
});

test.each([new FormData(), new Blob([]), new URLSearchParams()])("a function must not give %o", async (made) => {
  await expect(open((() => made) as never).open()).rejects.toMatchObject({ code: "INVALID_OPTION" });
});

test.each([
  ["a Blob", new Blob(["body"])],
  ["a form with a file", form()],
  ["text", "body"],
  ["bytes", bytes],
] as [string, BodyInput][])("%s is sent with its length, which is known", async (_, body) => {
  await using server = await startScriptedServer();
  await using client = createHttpClient();
  await client.put(server.origin, { body });
  const [request] = server.requests;
  expect(request?.headers).not.toHaveProperty("transfer-encoding");
  expect(request?.headers["content-length"]).toBe(String(request?.body.byteLength));
});

function form(): FormData {
  const made = new FormData();
  made.append("file", new File(["content"], "name"));
  return made;
}
