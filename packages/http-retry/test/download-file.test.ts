import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { createManualClock } from "@holdfast/core";
import { runAndKill, runToEnd } from "@holdfast/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createHttpClient, type DownloadToOptions, type FileDownload, type HttpClientOptions } from "../src/index.ts";
import { type Answer, type ScriptedServer, type Step, startScriptedServer } from "../src/testing.ts";

const CONTENT = randomBytes(300_000);
const OTHER = randomBytes(300_000);
/** Node takes a while to start, the longer the busier the machine is. */
const CHILDREN = { timeout: 30_000 };
const child = (name: string): string => join(import.meta.dirname, "children", `${name}.ts`);
const digest = (bytes: Uint8Array): string => `sha-256=:${createHash("sha256").update(bytes).digest("base64")}:`;

let folder: string;
let file: string;
const servers: ScriptedServer[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-download-"));
  file = join(folder, "file");
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
  await rm(folder, { recursive: true });
});

async function serve(...script: readonly Step[]): Promise<ScriptedServer> {
  const server = await startScriptedServer(script);
  servers.push(server);
  return server;
}

function whole(body: Uint8Array = CONTENT, etag = '"v1"', headers: Record<string, string> = {}): Answer {
  return { body, headers: { etag, ...headers }, ranges: true };
}

const cut = (step: Answer, afterBytes = 100_000): Answer => ({ ...step, cut: { afterBytes, of: "body" } });

async function download(
  server: ScriptedServer,
  options: DownloadToOptions = {},
  clientOptions: HttpClientOptions = {},
): Promise<FileDownload> {
  await using client = createHttpClient({ baseDelay: 0, retries: 0, ...clientOptions });
  return await client.downloadTo(server.origin, file, options);
}

/** Leaves a part of 100 000 bytes behind. */
async function breakOff(server: ScriptedServer): Promise<void> {
  await expect(download(server)).rejects.toMatchObject({ code: "BODY_BROKEN" });
  expect((await stat(`${file}.part`)).size).toBe(100_000);
}

async function expectOnlyTheFile(content: Uint8Array = CONTENT): Promise<void> {
  expect((await readFile(file)).equals(content)).toBe(true);
  expect(await readdir(folder)).toEqual(["file"]);
}

test("downloads into the file, and leaves nothing else behind", async () => {
  const server = await serve(whole());
  expect(await download(server)).toMatchObject({ file, bytes: 300_000, resumedFrom: 0, url: `${server.origin}/` });
  await expectOnlyTheFile();
});

test.each([
  ["an empty body", { body: "" }],
  ["a body without a length", { body: CONTENT, framing: "chunked" }],
  ["a body without a validator", { body: CONTENT }],
] as [string, Step][])("downloads %s", async (_, step) => {
  await download(await serve(step));
  await expectOnlyTheFile((step as { body: Uint8Array }).body.length === 0 ? new Uint8Array() : CONTENT);
});

test("replaces a file that is there only when the new one is whole", async () => {
  await writeFile(file, "old");
  const server = await serve(cut(whole()), whole());
  await breakOff(server);
  expect(await readFile(file, "utf8")).toBe("old");
  await download(server);
  await expectOnlyTheFile();
});

test("goes on with what another download left behind, under If-Range", async () => {
  const server = await serve(cut(whole()), whole());
  await breakOff(server);
  expect(await download(server)).toMatchObject({ resumedFrom: 100_000, bytes: 300_000 });
  expect(server.requests[1]?.headers).toMatchObject({ range: "bytes=99999-", "if-range": '"v1"' });
  await expectOnlyTheFile();
});

test("goes on by itself where a body breaks, as often in a row as there are retries", async () => {
  const server = await serve(cut(whole(), 10), cut(whole(), 20), cut(whole(), 30), whole());
  await download(server, {}, { retries: 3 });
  await expectOnlyTheFile();
});

test("goes on where a server gives less of a range than was asked for", async () => {
  const capped: Step = ({ headers }) => {
    const first = Number(/\d+/.exec(headers["range"] ?? "")?.[0] ?? 0);
    const last = Math.min(first + 49_999, CONTENT.length - 1);
    return {
      status: 206,
      headers: { etag: '"v1"', "content-range": `bytes ${first}-${last}/${CONTENT.length}` },
      body: CONTENT.subarray(first, last + 1),
    };
  };
  const server = await serve(cut(whole()), capped);
  await breakOff(server);
  await download(server);
  await expectOnlyTheFile();
});

test("starts over where the resource has changed", async () => {
  const server = await serve(cut(whole()), whole(OTHER, '"v2"'));
  await breakOff(server);
  expect(await download(server)).toMatchObject({ resumedFrom: 0 });
  await expectOnlyTheFile(OTHER);
});

test("starts over where the server knows no ranges", async () => {
  const server = await serve(cut(whole()), { ...whole(), ranges: false });
  await breakOff(server);
  expect(await download(server)).toMatchObject({ resumedFrom: 0 });
  await expectOnlyTheFile();
});

test.each([
  ["another place", { "content-range": `bytes 5-299999/300000`, etag: '"v1"' }],
  ["another length", { "content-range": `bytes 99999-299999/400000`, etag: '"v1"' }],
  ["another validator", { "content-range": `bytes 99999-299999/300000`, etag: '"v2"' }],
  ["no place", { etag: '"v1"' }],
])("does not believe a 206 of %s", async (_, headers) => {
  const server = await serve(cut(whole()), { status: 206, headers, body: OTHER.subarray(99_999) }, whole());
  await breakOff(server);
  expect(await download(server)).toMatchObject({ resumedFrom: 0 });
  await expectOnlyTheFile();
});

test("starts over where the range is refused, since there is less now", async () => {
  const less = OTHER.subarray(0, 10);
  const server = await serve(cut(whole()), { status: 416 }, whole(less));
  await breakOff(server);
  await download(server);
  await expectOnlyTheFile(less);
});

test.each([['W/"v1"'], [""]])("keeps nothing of what could not be gone on with: an etag of %j", async (etag) => {
  const server = await serve(cut(whole(CONTENT, etag)), whole());
  await expect(download(server)).rejects.toMatchObject({ code: "BODY_BROKEN" });
  expect(await readdir(folder)).toEqual([]);
  await download(server);
  expect(server.requests[1]?.headers).not.toHaveProperty("range");
});

test("starts over by itself where there is no validator to go on under", async () => {
  const server = await serve(cut({ body: CONTENT }), { body: CONTENT });
  await download(server, {}, { retries: 1 });
  await expectOnlyTheFile();
});

test("a part of another URL is not gone on with", async () => {
  const server = await serve(cut(whole()), whole());
  await breakOff(server);
  await using client = createHttpClient();
  expect(await client.downloadTo(`${server.origin}/other`, file)).toMatchObject({ resumedFrom: 0 });
  await expectOnlyTheFile();
});

test("what came from another place by a redirect is not gone on with, though its validator is the same", async () => {
  const to = (location: string): Step => ({ status: 302, headers: { location } });
  const server = await serve(
    to("/a?signed=1"),
    cut(whole()),
    to("/a?signed=2"),
    cut(whole()),
    to("/b"),
    whole(OTHER),
    whole(OTHER),
  );
  await breakOff(server);
  await expect(download(server)).rejects.toMatchObject({ code: "BODY_BROKEN" });
  expect(server.requests[3]?.headers["range"]).toBe("bytes=99999-");
  expect(await download(server)).toMatchObject({ resumedFrom: 0 });
  await expectOnlyTheFile(OTHER);
});

test("the state that is kept holds no secret of the URL", async () => {
  const server = await serve(cut(whole()));
  await using client = createHttpClient({ retries: 0 });
  await expect(client.downloadTo(`${server.origin}/?token=secret`, file)).rejects.toThrow();
  expect(await readFile(`${file}.part.json`, "utf8")).not.toContain("secret");
});

test.each(["", "{", "[]", '{"version":1}', '{"version":0}', "null"])(
  "a state that makes no sense is no state: %s",
  async (state) => {
    const server = await serve(cut(whole()), whole());
    await breakOff(server);
    await writeFile(`${file}.part.json`, state);
    expect(await download(server)).toMatchObject({ resumedFrom: 0 });
    await expectOnlyTheFile();
  },
);

test("a state of a later version is refused, and left as it is", async () => {
  const server = await serve(cut(whole()), whole());
  await breakOff(server);
  await writeFile(`${file}.part.json`, '{"version":2}');
  await expect(download(server)).rejects.toMatchObject({
    code: "FILE_FAILED",
    message: expect.stringContaining("newer"),
  });
  expect(await readFile(`${file}.part.json`, "utf8")).toBe('{"version":2}');
  expect((await stat(`${file}.part`)).size).toBe(100_000);
});

test("of a part that lost its end, what is there counts", async () => {
  const server = await serve(cut(whole()), whole());
  await breakOff(server);
  await truncate(`${file}.part`, 60_000);
  expect(await download(server)).toMatchObject({ resumedFrom: 60_000 });
  await expectOnlyTheFile();
});

test("after the machine was started again, only what had reached the disk counts", async () => {
  const server = await serve(cut(whole()), whole());
  await breakOff(server);
  await restartMachine(40_000);
  expect(await download(server)).toMatchObject({ resumedFrom: 40_000 });
  await expectOnlyTheFile();
});

test("nor does the rest count for a download after that", async () => {
  const server = await serve(cut(whole()), cut(whole(), 11), whole());
  await breakOff(server);
  await restartMachine(40_000);
  await expect(download(server)).rejects.toMatchObject({ code: "BODY_BROKEN" });
  expect(await download(server)).toMatchObject({ resumedFrom: 40_010 });
  await expectOnlyTheFile();
});

/** What was written since the last sync is now anything. */
async function restartMachine(syncedBytes: number): Promise<void> {
  const state = JSON.parse(await readFile(`${file}.part.json`, "utf8"));
  await writeFile(`${file}.part.json`, JSON.stringify({ ...state, syncedBytes, boot: "another" }));
  await writeFile(`${file}.part`, Buffer.concat([CONTENT.subarray(0, syncedBytes), Buffer.alloc(60_000)]));
}

test("a part that was whole already asks for its last byte only", async () => {
  const server = await serve(cut(whole()), whole());
  await breakOff(server);
  await writeFile(`${file}.part`, CONTENT);
  await download(server);
  expect(server.requests[1]?.headers["range"]).toBe("bytes=299999-");
  await expectOnlyTheFile();
});

test("a part whose bytes are wrong is found out by the Repr-Digest, and thrown away", async () => {
  const step = whole(CONTENT, '"v1"', { "repr-digest": digest(CONTENT) });
  const server = await serve(cut(step), step);
  await breakOff(server);
  await writeFile(`${file}.part`, OTHER.subarray(0, 100_000));
  await expect(download(server)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
  expect(await readdir(folder)).toEqual([]);
  expect(await download(server)).toMatchObject({ resumedFrom: 0 });
  await expectOnlyTheFile();
});

test("a whole body that is not what its Repr-Digest says is thrown away", async () => {
  const server = await serve(whole(CONTENT, '"v1"', { "repr-digest": digest(OTHER) }));
  await expect(download(server)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
  expect(await readdir(folder)).toEqual([]);
});

test.each(["kill at the first piece", "kill in the middle"])("goes on after a %s", CHILDREN, async (when) => {
  // Small pieces, so that there are many places to die at.
  const slow: Step = { ...whole(), drip: { bytes: 20_000, every: 1 } };
  const server = await serve(slow, whole());
  await runAndKill(child("downloader"), { at: when === "kill in the middle" ? 4 : 1, args: [server.origin, file] });
  const { size } = await stat(`${file}.part`);
  expect(size).toBeGreaterThan(0);
  expect(existsSync(file)).toBe(false);
  await runToEnd(child("downloader"), { args: [server.origin, file] });
  expect(server.requests[1]?.headers["range"]).toBe(`bytes=${size - 1}-`);
  await expectOnlyTheFile();
});

test("an abort keeps what is there for the next time", async () => {
  const server = await serve({ ...whole(), drip: { bytes: 20_000, every: 1 } }, whole());
  const abort = new AbortController();
  const reason = new Error("enough");
  const onProgress = (): void => abort.abort(reason);
  await expect(download(server, { signal: abort.signal, onProgress })).rejects.toBe(reason);
  expect((await download(server)).resumedFrom).toBeGreaterThan(0);
  await expectOnlyTheFile();
});

test("an abort before the start touches nothing", async () => {
  const server = await serve(whole());
  await expect(download(server, { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
  expect(await readdir(folder)).toEqual([]);
});

test("progress is told after each piece, and what it throws ends the download", async () => {
  const server = await serve(cut(whole()), whole());
  await breakOff(server);
  const seen: unknown[] = [];
  await download(server, { onProgress: (progress) => seen.push(progress) });
  expect(seen.at(-1)).toEqual({ bytes: 300_000, length: 300_000 });
  const onProgress = (): never => {
    throw new Error("no more");
  };
  await expect(download(server, { onProgress })).rejects.toThrow("no more");
});

test("one deadline is for all that it takes", async () => {
  const clock = createManualClock();
  const slow = (): Step => {
    clock.advance(60_000);
    return cut(whole(), 10);
  };
  const server = await serve(slow, "hang");
  const call = download(server, { deadline: "100s" }, { clock, retries: 1, attemptTimeout: 0 });
  // The wait between the two, which is none, still takes a look at the clock.
  const requestsSoFar = (): number => {
    clock.advance(0);
    return server.requests.length;
  };
  await expect.poll(requestsSoFar).toBe(2);
  clock.advance(41_000);
  await expect(call).rejects.toMatchObject({ code: "DEADLINE" });
  expect((await stat(`${file}.part`)).size).toBe(10);
});

test("a deadline that leaves no time for the wait ends it at once", async () => {
  const server = await serve(cut(whole()), cut(whole(), 10));
  await breakOff(server);
  const call = download(server, { deadline: "10s" }, { baseDelay: "1m", jitter: "none", retries: 1 });
  await expect(call).rejects.toMatchObject({ code: "DEADLINE", cause: { code: "BODY_BROKEN" } });
});

test.each([204, 206, 304])("a status of %i is nothing to put into a file", async (status) => {
  const server = await serve({ status });
  await expect(download(server)).rejects.toMatchObject({ code: "STATUS" });
  expect(await readdir(folder)).toEqual([]);
});

test("range headers of the caller's own are refused", async () => {
  const server = await serve(whole());
  await expect(download(server, { headers: { Range: "bytes=0-1" } })).rejects.toMatchObject({ code: "INVALID_OPTION" });
});

test("a folder that is not there is an error that names the file", async () => {
  const server = await serve(whole());
  file = join(folder, "missing", "file");
  await expect(download(server)).rejects.toMatchObject({ code: "FILE_FAILED", message: expect.stringContaining(file) });
});

test("a second download of the same file is refused while the first one runs", async () => {
  const server = await serve("hang", whole());
  const abort = new AbortController();
  const first = download(server, { signal: abort.signal });
  await server.waitForRequests(1);
  await expect(download(server)).rejects.toMatchObject({
    code: "FILE_IN_USE",
    message: expect.stringContaining(".lock"),
  });
  abort.abort(new Error("enough"));
  await expect(first).rejects.toThrow("enough");
  await download(server);
  await expectOnlyTheFile();
});

test("of many that start at once, at most one writes", async () => {
  const server = await serve(whole());
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => download(server)));
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ code: "FILE_IN_USE" });
  }
  await download(server);
  await expectOnlyTheFile();
});

test.each([
  ["of a process that is gone", `${encodeURIComponent(hostname())}+4194305+x`, 0],
  ["of another machine that has not been heard of for minutes", "elsewhere+1+x", 121_000],
  ["of a process of our number that died in this container", `${encodeURIComponent(hostname())}+${process.pid}+x`, 0],
])("a claim %s is cleared away", async (_, name, ageMs) => {
  await claim(name, ageMs);
  await download(await serve(whole()));
  await expectOnlyTheFile();
});

test("a claim of another machine that was renewed lately holds", async () => {
  await claim("elsewhere+1+x", 100_000);
  await expect(download(await serve(whole()))).rejects.toMatchObject({ code: "FILE_IN_USE" });
});

async function claim(name: string, ageMs: number): Promise<void> {
  await mkdir(`${file}.part.lock`);
  const path = join(`${file}.part.lock`, name);
  await writeFile(path, "");
  const renewed = (Date.now() - ageMs) / 1000;
  await utimes(path, renewed, renewed);
}

test("a download whose claim was taken over does not put its file in place", async () => {
  const server = await serve(whole());
  let isTaken = false;
  const onProgress = (): void => {
    if (isTaken) return;
    isTaken = true;
    // At once: the download may be over before a promise is kept.
    rmSync(`${file}.part.lock`, { recursive: true });
  };
  await expect(download(server, { onProgress })).rejects.toMatchObject({ code: "FILE_IN_USE" });
  expect(existsSync(file)).toBe(false);
});

test("a full disk is an error that says so, and loses nothing", CHILDREN, async () => {
  const server = await serve(whole());
  const { failure, content, ...again } = await onSmallDisk(server.origin);
  expect(failure).toMatchObject({
    code: "FILE_FAILED",
    message: expect.stringMatching(/ENOSPC.*free some space.*kept/),
  });
  expect(again.resumedFrom).toBeGreaterThan(100_000);
  expect(Buffer.from(content, "base64").equals(CONTENT)).toBe(true);
});

interface SmallDiskRun {
  readonly failure: unknown;
  readonly resumedFrom: number;
  readonly content: string;
}

/** In a mount namespace of its own, which takes its disk of 900 kB along when it ends. */
async function onSmallDisk(url: string): Promise<SmallDiskRun> {
  const script = `mount -t tmpfs -o size=900k tmpfs "$1" && exec "$2" "$3" "$4" "$1"`;
  const args = [
    "--map-root-user",
    "--mount",
    "sh",
    "-c",
    script,
    "sh",
    folder,
    process.execPath,
    child("small-disk"),
    url,
  ];
  const run = spawn("unshare", args, { stdio: ["ignore", "pipe", "pipe"] });
  const failed = new Promise<never>((_, reject) => run.on("error", reject));
  const [out, err] = await Promise.race([Promise.all([text(run.stdout), text(run.stderr)]), failed]);
  if (out === "")
    throw new Error(
      `a small disk needs util-linux's unshare, and leave to use it (run as root, or allow user namespaces): ${err}`,
    );
  return JSON.parse(out);
}
