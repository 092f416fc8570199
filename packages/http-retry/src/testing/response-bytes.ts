// An answer as the bytes of its head and of its framed body.

import { STATUS_CODES } from "node:http";
import type { Answer, RawAnswer, ReceivedRequest } from "./step.ts";

export interface ResponseBytes {
  readonly head: Buffer;
  readonly body: Buffer;
  /** Whether the end of the connection is the end of the response. */
  readonly endsConnection: boolean;
}

const CHUNK_BYTES = 16 * 1024;

export function responseBytes(answer: Answer | RawAnswer, request: ReceivedRequest): ResponseBytes {
  if ("raw" in answer) {
    return { head: bytes(answer.raw), body: Buffer.alloc(0), endsConnection: asksToClose(request.headers) };
  }
  const content = bytes(answer.body ?? "");
  return assemble(answer, answer.ranges ? partOf(answer, content, request) : { ...answer, content }, request);
}

type Part = Pick<Answer, "status" | "headers"> & { readonly content: Buffer };

function assemble(
  answer: Answer,
  { status = 200, headers = {}, content }: Part,
  request: ReceivedRequest,
): ResponseBytes {
  const { framing = "length", claimedLength } = answer;
  const isBodiless = status === 204 || status === 304;
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`];
  for (const [name, value] of Object.entries(headers)) {
    for (const one of typeof value === "string" ? [value] : value) lines.push(`${name}: ${one}`);
  }
  if (framing === "length" && (!isBodiless || claimedLength !== undefined)) {
    lines.push(`content-length: ${claimedLength ?? content.length}`);
  } else if (framing !== "length" && framing !== "close") {
    lines.push("transfer-encoding: chunked");
  }
  return {
    head: Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"),
    body: request.method === "HEAD" || isBodiless ? Buffer.alloc(0) : framed(content, framing),
    endsConnection: framing === "close" || asksToClose(request.headers) || asksToClose(headers),
  };
}

function framed(content: Buffer, framing: NonNullable<Answer["framing"]>): Buffer {
  if (framing === "length" || framing === "close") return content;
  const parts: Buffer[] = [];
  for (let at = 0; at < content.length; at += CHUNK_BYTES) {
    const chunk = content.subarray(at, at + CHUNK_BYTES);
    parts.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from("\r\n"));
  }
  if (framing === "chunked") parts.push(Buffer.from("0\r\n\r\n"));
  if (framing === "bad-chunk") parts.push(Buffer.from("size\r\n"));
  return Buffer.concat(parts);
}

/** RFC 9110: preconditions first (13.2.2), then the range (14.2). */
function partOf({ status, headers = {} }: Answer, content: Buffer, request: ReceivedRequest): Part {
  const all = { status, headers: { ...headers, "accept-ranges": "bytes" }, content };
  const etag = field(headers, "etag");
  const isStrong = etag !== undefined && !etag.startsWith("W/");
  const { "if-match": ifMatch, "if-range": ifRange, range } = request.headers;
  if (ifMatch !== undefined && ifMatch !== "*" && !(isStrong && ifMatch.split(/, */).includes(etag))) {
    return { status: 412, headers, content: Buffer.alloc(0) };
  }
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(range ?? "") ?? [];
  if (request.method !== "GET" || first === undefined || last === undefined || first + last === "") return all;
  if (ifRange !== undefined && !(isStrong && ifRange === etag)) return all;
  const from = first === "" ? Math.max(0, content.length - Number(last)) : Number(first);
  const to = first === "" || last === "" ? content.length - 1 : Math.min(Number(last), content.length - 1);
  if (from > to) {
    const unsatisfied = { ...headers, "content-range": `bytes */${content.length}` };
    return { status: 416, headers: unsatisfied, content: Buffer.alloc(0) };
  }
  const contentRange = `bytes ${from}-${to}/${content.length}`;
  return {
    status: 206,
    headers: { ...headers, "content-range": contentRange },
    content: content.subarray(from, to + 1),
  };
}

function asksToClose(headers: Readonly<Record<string, string | readonly string[] | undefined>>): boolean {
  return /\bclose\b/i.test(field(headers, "connection") ?? "");
}

function field(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  wanted: string,
): string | undefined {
  const [, value] = Object.entries(headers).find(([name]) => name.toLowerCase() === wanted) ?? [];
  return typeof value === "object" ? value.join(", ") : value;
}

function bytes(data: string | Uint8Array): Buffer {
  return typeof data === "string" ? Buffer.from(data) : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
