// Downloads into a file, and goes on where it was when the process died, the disk was full, or the network went away.

import { resolve } from "node:path";
import { sleep } from "@holdfast/core";
import { strong } from "../engine/resume.ts";
import { HttpRetryError, type HttpRetryErrorCode } from "../errors.ts";
import { type Download, openDownload } from "./download.ts";
import { onDisk } from "./file-error.ts";
import type { HopOptions, Room } from "./hops.ts";
import { claimPart } from "./part-claim.ts";
import { PartFile, type Whole } from "./part-file.ts";
import { hashOf } from "./part-state.ts";
import { type HttpRequest, nameOf, urlOf } from "./request.ts";
import type { ResponseHeaders } from "./response.ts";

export interface DownloadProgress {
  /** That are in the file. Falls to 0 where the download had to start over. */
  readonly bytes: number;
  /** Of the whole, where the server says. */
  readonly length: number | undefined;
}

export interface FileDownload {
  /** The absolute path of the file. */
  readonly file: string;
  readonly bytes: number;
  /** So many of them were there from an earlier time. */
  readonly resumedFrom: number;
  /** Of the last response, which may be one for a range. */
  readonly headers: ResponseHeaders;
  /** Where it came from, redirects followed. */
  readonly url: string;
}

export interface FileDownloadOptions extends HopOptions {
  /** Called after each piece that was written. What it throws ends the download. */
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
}

const BREAKS: ReadonlySet<HttpRetryErrorCode> = new Set(["BODY_BROKEN", "NETWORK", "TIMEOUT"]);

// A body that breaks after so much has broken for the first time.
const PROGRESS_BYTES = 1024 * 1024;

/**
 * Downloads to `file.part`, and renames it to `file` when it is whole, its length and its `Repr-Digest` are right, and it is
 * safe on the disk; so `file` is never there in part, and what was there before stays until then. What is broken off, by an
 * abort or by the death of the process, is gone on with by the next download of the same URL to the same file: with `If-Range`
 * under the strong validator that is kept in `file.part.json`, and so from the start where the resource has changed, has no
 * such validator, or the server knows no ranges.
 *
 * A body that breaks is gone on with after a wait, as often in a row as the policy has `retries`.
 */
export async function downloadToFile(
  room: Room,
  request: HttpRequest,
  file: string,
  options: FileDownloadOptions,
): Promise<FileDownload> {
  const target = resolve(file);
  const { clock } = options.policy;
  if ("range" in request.headers || "if-range" in request.headers) {
    throw new HttpRetryError("INVALID_OPTION", "a download to a file has its own range headers; leave yours out");
  }
  options.signal?.throwIfAborted();
  const claim = await onDisk(
    target,
    () => "",
    () => claimPart(`${target}.part.lock`, clock),
  );
  try {
    const part = await PartFile.open(target, urlOf(request), clock);
    try {
      const { resumedFrom, headers, url } = await fill(part, room, request, options);
      if (!(await part.isSound(options.signal))) throw corrupt(request);
      await claim.check();
      await part.finish();
      return { file: target, bytes: part.bytes, resumedFrom, headers, url };
    } catch (error) {
      if (error instanceof HttpRetryError && error.code === "DIGEST_MISMATCH") await part.discard();
      throw error;
    } finally {
      await part.close();
    }
  } finally {
    await claim.release();
  }
}

type Filled = Pick<FileDownload, "resumedFrom" | "headers" | "url">;

/** Downloads until the part is whole. */
async function fill(part: PartFile, room: Room, request: HttpRequest, options: FileDownloadOptions): Promise<Filled> {
  const { policy, signal, onProgress } = options;
  const endsAt = policy.deadlineMs > 0 ? policy.clock.monotonic() + policy.deadlineMs : Number.POSITIVE_INFINITY;
  const leftMs = (): number => endsAt - policy.clock.monotonic();
  let resumedFrom = part.bytes;
  let breaks = 0;
  let delayMs = 0;
  for (;;) {
    const forRound = endsAt < Number.POSITIVE_INFINITY ? { ...policy, deadlineMs: Math.max(1, leftMs()) } : policy;
    const download = await openRest(part, room, request, { ...options, policy: forRound });
    const start = part.bytes;
    resumedFrom = Math.min(resumedFrom, start === 0 ? 0 : start + 1);
    try {
      for await (const chunk of download.stream) {
        await part.write(chunk);
        onProgress?.({ bytes: part.bytes, length: part.whole?.length ?? undefined });
      }
      if (part.isWhole) return { resumedFrom, headers: download.headers, url: download.url };
      // A server may give less than was asked for at a time, but not nothing.
      if (part.bytes <= start + 1) throw stuck(request);
    } catch (error) {
      // What can't be noted now, such as on a full disk, was noted before.
      await part.keep().catch(() => {});
      if (!isBreak(error)) throw error;
      breaks = part.bytes - start >= PROGRESS_BYTES ? 1 : breaks + 1;
      delayMs = policy.backoff.delayMs(breaks, delayMs, policy.random);
      if (breaks > policy.retries) throw error;
      if (delayMs >= leftMs()) throw late(request, error);
      await sleep(delayMs, { signal, clock: policy.clock });
    }
  }
}

/** Asks for what is missing of the part, or for all of it. */
async function openRest(part: PartFile, room: Room, request: HttpRequest, options: HopOptions): Promise<Download> {
  const { bytes, whole } = part;
  if (bytes === 0 || whole?.etag === undefined) return openWhole(part, room, request, options);
  // From the last byte that is there: of a part that is whole already, nothing else is left to ask for.
  const start = bytes - 1;
  const range = { range: `bytes=${start}-`, "if-range": whole.etag };
  const ranged = { ...request, headers: { ...request.headers, ...range } };
  const download = await openDownload(room, ranged, options).catch(ignoreUnsatisfiable);
  const rest = download && restOf(download, start, whole);
  if (rest) {
    part.goOnAt(start, rest);
    return download;
  }
  if (download && download.status !== 206) {
    await beginWhole(part, request, download);
    return download;
  }
  await download?.stream.cancel();
  return openWhole(part, room, request, options);
}

/** 416: what is there now has no such bytes. */
function ignoreUnsatisfiable(error: unknown): undefined {
  if (!(error instanceof HttpRetryError && error.response?.status === 416)) throw error;
}

async function openWhole(part: PartFile, room: Room, request: HttpRequest, options: HopOptions): Promise<Download> {
  const download = await openDownload(room, request, options);
  await beginWhole(part, request, download);
  return download;
}

async function beginWhole(
  part: PartFile,
  request: HttpRequest,
  { status, headers, url, length, stream }: Download,
): Promise<void> {
  try {
    if (status !== 200 && status !== 203) {
      throw new HttpRetryError("STATUS", `${nameOf(request)} answered ${status}, with nothing to put into a file`);
    }
    const digest = textOf(headers["repr-digest"]);
    await part.begin({ source: sourceOf(url), etag: strong(headers["etag"]), length: length ?? null, digest });
  } catch (error) {
    await stream.cancel(error);
    throw error;
  }
}

/** What the part becomes with this response; undefined where the response does not go on with it. */
function restOf({ status, headers, url }: Download, start: number, whole: Whole): Whole | undefined {
  const etag = headers["etag"];
  const [, first, last, length] =
    /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(String(headers["content-range"])) ?? [];
  const fits =
    status === 206 &&
    sourceOf(url) === whole.source &&
    Number(first) === start &&
    Number(last) < Number(length) &&
    (whole.length === null || whole.length === Number(length)) &&
    (etag === undefined || etag === whole.etag);
  return fits
    ? { ...whole, length: Number(length), digest: whole.digest ?? textOf(headers["repr-digest"]) }
    : undefined;
}

function sourceOf(url: string): string {
  return hashOf(url.split("?", 1).join());
}

function textOf(field: string | readonly string[] | undefined): string | null {
  return field === undefined ? null : String(field);
}

function isBreak(error: unknown): boolean {
  return error instanceof HttpRetryError && BREAKS.has(error.code);
}

function stuck(request: HttpRequest): HttpRetryError {
  return new HttpRetryError("BODY_BROKEN", `${nameOf(request)} gives nothing of what is missing`);
}

function corrupt(request: HttpRequest): HttpRetryError {
  const message = `${nameOf(request)} is not what its Repr-Digest says; nothing of it is kept`;
  return new HttpRetryError("DIGEST_MISMATCH", message);
}

function late(request: HttpRequest, cause: unknown): HttpRetryError {
  const message = `${nameOf(request)} broke off, and the deadline leaves no time to go on; what is there is kept`;
  return new HttpRetryError("DEADLINE", message, { cause });
}
