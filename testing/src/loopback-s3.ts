// Speaks the documented conditional writes of S3, for one bucket on loopback. It is not S3: it checks no signatures, keeps no versions,
// and knows no more calls than our tests make. It misbehaves when told to.

import { hash } from "node:crypto";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { type Site, serve } from "./serve.ts";

export interface S3Request {
  /** `GET` of the empty name lists. */
  readonly method: string;
  readonly name: string;
  readonly ifMatch: string | undefined;
  readonly ifNoneMatch: string | undefined;
  /** Whether there is an object of that name. */
  readonly isThere: boolean;
}

/**
 * - `obey`: as documented
 * - `write anyway`: as if the request had no condition
 * - `lose the answer`: obeys, and ends the connection instead of answering
 * - `cut the answer`: obeys, and ends the connection in the middle of the answer
 * - a refusal: does nothing, and answers so
 */
export type S3Deed =
  | "obey"
  | "write anyway"
  | "lose the answer"
  | "cut the answer"
  | { readonly status: number; readonly code: string };

export interface LoopbackS3Options {
  readonly bucket: string;
  /** How many names a list gives at once. Default 1000, as in S3. */
  readonly pageSize?: number;
  /** What is done with a request, and when. Default: obeys at once. */
  readonly deed?: (request: S3Request) => S3Deed | Promise<S3Deed>;
}

export interface LoopbackS3 extends Site {
  /** By name, for tests to look at and to spoil. */
  readonly objects: Map<string, StoredObject>;
}

interface StoredObject {
  readonly bytes: Buffer;
  readonly etag: string;
  /** As headers. */
  readonly metadata: Readonly<Record<string, string>>;
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export async function startLoopbackS3(options: LoopbackS3Options): Promise<LoopbackS3> {
  const { bucket, pageSize = 1000, deed = () => "obey" } = options;
  const objects = new Map<string, StoredObject>();

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(incoming.url ?? "/", "http://loopback");
    const [, bucketAsked, ...path] = pathname.split("/").map(decodeURIComponent);
    const { method = "GET", headers } = incoming;
    const name = path.join("/");
    const bytes = await buffer(incoming);
    const { "if-match": ifMatch, "if-none-match": ifNoneMatch } = headers;
    const request = { method, name, ifMatch, ifNoneMatch, isThere: objects.has(name) };
    const done = await deed(request);
    if (typeof done === "object") return send(response, refusal(done.status, done.code));
    if (bucketAsked !== bucket) return send(response, refusal(404, "NoSuchBucket"));
    const answer = perform(request, searchParams, headers, bytes, done === "write anyway");
    if (done === "lose the answer") incoming.socket.destroy();
    else send(response, answer, done === "cut the answer");
  }

  function perform(
    { method, name, ifMatch, ifNoneMatch }: S3Request,
    query: URLSearchParams,
    headers: IncomingHttpHeaders,
    bytes: Buffer,
    isUnconditional: boolean,
  ): Answer {
    const object = objects.get(name);
    switch (method) {
      case "GET":
        if (name === "") return list(query.get("prefix") ?? "", query.get("continuation-token") ?? "");
        if (!object) return refusal(404, "NoSuchKey");
        return { status: 200, headers: { etag: object.etag, ...object.metadata }, body: object.bytes };
      case "DELETE":
        objects.delete(name);
        return { status: 204 };
      case "PUT": {
        // https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        if (!isUnconditional && ifMatch !== undefined && !object) return refusal(404, "NoSuchKey");
        const isMet = ifNoneMatch === undefined ? ifMatch === undefined || ifMatch === object?.etag : !object;
        if (!isUnconditional && !isMet) return refusal(412, "PreconditionFailed");
        const etag = `"${hash("md5", bytes)}"`;
        objects.set(name, { bytes, etag, metadata: metadataOf(headers) });
        return { status: 200, headers: { etag } };
      }
      default:
        return refusal(405, "MethodNotAllowed");
    }
  }

  function list(prefix: string, after: string): Answer {
    const names = [...objects.keys()].filter((name) => name.startsWith(prefix) && name > after).sort();
    const page = names.slice(0, pageSize);
    const last = names.length > pageSize ? page.at(-1) : undefined;
    const parts = [
      ...page.map((name) => `<Contents><Key>${escaped(name)}</Key></Contents>`),
      ...(last === undefined ? [] : [`<NextContinuationToken>${escaped(last)}</NextContinuationToken>`]),
      `<IsTruncated>${last !== undefined}</IsTruncated>`,
    ];
    return { status: 200, body: `<ListBucketResult>${parts.join("")}</ListBucketResult>` };
  }

  const site = await serve((request, response) => {
    handle(request, response).catch((error: Error) => response.destroy(error));
  });
  return { ...site, objects };
}

function metadataOf(headers: IncomingHttpHeaders): Record<string, string> {
  const metadata = Object.entries(headers).filter(([header]) => header.startsWith("x-amz-meta-"));
  return Object.fromEntries(metadata.map(([header, value]) => [header, String(value)]));
}

function send(response: ServerResponse, { status, headers, body = "" }: Answer, isCut = false): void {
  const bytes = Buffer.from(body);
  response.writeHead(status, { ...headers, "content-length": bytes.length });
  if (isCut) response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy());
  else response.end(bytes);
}

function refusal(status: number, code: string): Answer {
  return { status, body: `<Error><Code>${code}</Code><Message>${code} of the loopback server</Message></Error>` };
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
