import { createHash } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import { createManualClock } from "@holdfast/core";
import { Agent } from "undici";
import { afterEach, expect, test } from "vitest";
import { createHttpClient, type HttpClient } from "../src/index.ts";
import { type ScriptedServer, type Step, startScriptedServer } from "../src/testing.ts";

const content = "0123456789".repeat(10_000);
const etag = '"v1"';
const whole: Step = { body: content, headers: { etag }, ranges: true };
const digest = (text: string): string => `sha-256=:${createHash("sha256").update(text).digest("base64")}:`;

const servers: ScriptedServer[] = [];
const client: HttpClient = createHttpClient({ baseDelay: 0 });

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function serve(...script: readonly Step[]): Promise<ScriptedServer> {
  const server = await startScriptedServer(script);
  servers.push(server);
  return server;
}

async function read({ stream }: { readonly stream: ReadableStream<Uint8Array> | object }): Promise<string> {
  return new Response(stream as ReadableStream).text();
}

test("gives status, headers, length and the body as a stream", async () => {
  const server = await serve(whole);
  const download = await client.download(server.origin);
  expect(download).toMatchObject({ status: 200, headers: { etag }, length: 100_000, url: `${server.origin}/` });
  expect(await read(download)).toBe(content);
  expect(server.requests[0]?.headers["accept-encoding"]).toBe("identity");
});

test("a body without a length has none", async () => {
  const server = await serve({ body: content, framing: "chunked" });
  const download = await client.download(server.origin);
  expect(download.length).toBeUndefined();
  expect(await read(download)).toBe(content);
});

test("a body that breaks, however often, is taken up where it broke", async () => {
  const cut = (afterBytes: number): Step => ({ ...(whole as object), cut: { afterBytes, of: "body" } });
  const server = await serve(cut(10), cut(30_000), "reset", cut(20_000), whole);
  expect(await read(await client.download(server.origin))).toBe(content);
  const [first, ...others] = server.requests.map(({ headers }) => headers);
  expect(first).not.toHaveProperty("range");
  for (const headers of others) expect(headers).toMatchObject({ range: expect.any(String), "if-range": etag });
});

test.each([
  ["a weak validator", { etag: 'W/"v1"' }],
  ["a date alone", { "last-modified": "Mon, 01 Jan 2024 00:00:00 GMT" }],
  ["no validator", {}],
])("with %s, a body that breaks is an error, never a splice", async (_, headers) => {
  const server = await serve(
    { body: content, headers, cut: { afterBytes: 10, of: "body" } },
    { ...(whole as object), headers },
  );
  await expect(read(await client.download(server.origin))).rejects.toMatchObject({ code: "BODY_BROKEN" });
});

test("a resource that has changed in between is an error, never a splice", async () => {
  const changed: Step = { body: content.replaceAll("0", "x"), headers: { etag: '"v2"' }, ranges: true };
  const server = await serve({ ...(whole as object), cut: { afterBytes: 10, of: "body" } }, changed);
  await expect(read(await client.download(server.origin))).rejects.toMatchObject({ code: "BODY_BROKEN" });
});

test("a body that is not what its Repr-Digest says fails before its end", async () => {
  const server = await serve({ body: content, headers: { "repr-digest": digest("another") } });
  await expect(read(await client.download(server.origin))).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
});

test("a slow reader holds the other side back", async () => {
  const length = 16 * 1024 * 1024;
  const server = await serve({ body: Buffer.alloc(length) });
  let received = 0;
  const agent = new Agent();
  const counting = agent.compose((dispatch) => (options, handler) => {
    const { onResponseData } = handler;
    handler.onResponseData = (controller, chunk) => {
      received += chunk.byteLength;
      onResponseData?.call(handler, controller, chunk);
    };
    return dispatch(options, handler);
  });
  const { stream } = await createHttpClient({ dispatcher: counting }).download(server.origin);
  const reader = stream.getReader();
  await reader.read();
  // Time enough for all of it, were it not held back.
  for (let i = 0; i < 5000; i++) await turn();
  expect(received).toBeLessThan(1024 * 1024);
  while (!(await reader.read()).done);
  expect(received).toBe(length);
  await agent.close();
});

test("what came before the body broke is still to be read, and then the error", async () => {
  const server = await serve({ body: content, cut: { afterBytes: 50_000, of: "body" } });
  const { stream } = await client.download(server.origin);
  await expect.poll(() => server.openConnections).toBe(0);
  let bytes = 0;
  const reading = async (): Promise<void> => {
    for await (const chunk of stream) bytes += chunk.byteLength;
  };
  await expect(reading()).rejects.toMatchObject({ code: "BODY_BROKEN" });
  expect(bytes).toBe(50_000);
});

test("a redirect is followed, and an error status rejects", async () => {
  const server = await serve({ status: 302, headers: { location: "/b" } }, whole, { status: 404, body: "no" });
  expect((await client.download(server.origin)).url).toBe(`${server.origin}/b`);
  await expect(client.download(server.origin)).rejects.toMatchObject({ code: "STATUS", response: { status: 404 } });
});

test("cancelling the stream ends the call", async () => {
  const server = await serve({ body: "0123", claimedLength: 100 });
  const { stream } = await client.download(server.origin);
  await stream.cancel();
  await expect.poll(() => server.openConnections).toBe(0);
});

test("an abort fails the stream with its reason", async () => {
  const server = await serve({ body: "0123", claimedLength: 100 });
  const abort = new AbortController();
  const download = await client.download(server.origin, { signal: abort.signal });
  const text = read(download);
  abort.abort(new Error("enough"));
  await expect(text).rejects.toThrow("enough");
});

test("a stream that fails while nobody reads it brings nothing down", async () => {
  const server = await serve({ body: "0123", claimedLength: 100 });
  const abort = new AbortController();
  await client.download(server.origin, { signal: abort.signal });
  abort.abort(new Error("enough"));
  await turn();
});

test.each([
  [undefined, "0123456789"],
  ["1m", "DEADLINE"],
] as const)("a body that is not read whole, under the deadline %s, comes to %s", async (deadline, outcome) => {
  const [ours, theirs] = [createManualClock(), createManualClock()];
  await using server = await startScriptedServer(
    { body: "0123456789", drip: { bytes: 5, every: "1h" } },
    { clock: theirs },
  );
  await using patient = createHttpClient({ clock: ours, bodyGapTimeout: 0 });
  const { stream } = await patient.download(server.origin, { deadline });
  const read = new Response(stream).text().catch((error: { readonly code: string }) => error.code);
  await ours.advanceAsync(6 * 60_000);
  await theirs.advanceAsync(2 * 3_600_000);
  expect(await read).toBe(outcome);
});
