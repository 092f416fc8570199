// A POST with a JSON body, the same from every framework: read within bounds, whether or not somebody has parsed it before.

import {
  type ExpressRequest,
  type FetchRequest,
  fromExpress,
  fromFetch,
  fromHono,
  type HonoContext,
  type RequestView,
} from "@holdfast/core/http";
import { isExact, isObject, type JsonObject, readObject } from "../json.ts";
import { type Answer, problemAnswer } from "./answer.ts";

export interface Post {
  readonly view: RequestView;
  /** The body as JSON; an answer where it is none. */
  object(): Promise<{ readonly value: JsonObject } | { readonly answer: Answer }>;
}

/** Of a token with its grant, or a grant to be issued, many times over. */
const MOST_BYTES = 65_536;

/** What is used of an Express request whose body is to be read. */
export interface ExpressPost extends ExpressRequest, AsyncIterable<Uint8Array> {
  /** Set where a body parser came first. */
  readonly body?: unknown;
}

export interface FetchPost extends FetchRequest {
  readonly body: AsyncIterable<Uint8Array> | null;
}

export interface HonoPost extends HonoContext {
  readonly req: { readonly raw: FetchPost };
}

export function postOfExpress(request: ExpressPost): Post {
  const view = fromExpress(request);
  return { view, object: () => (request.body === undefined ? read(view, request) : judged(view, request.body)) };
}

export function postOfFetch(request: FetchPost, address?: string): Post {
  const view = fromFetch(request, { address });
  return { view, object: () => read(view, request.body ?? NOTHING) };
}

export function postOfHono(context: HonoPost): Post {
  const view = fromHono(context);
  return { view, object: () => read(view, context.req.raw.body ?? NOTHING) };
}

const NOTHING: AsyncIterable<Uint8Array> = { async *[Symbol.asyncIterator]() {} };

async function read(view: RequestView, chunks: AsyncIterable<Uint8Array>): ReturnType<Post["object"]> {
  // A form can be sent from any page without asking first; JSON can't (Fetch, "CORS-safelisted request-header").
  if (!isJson(view)) return wrongType();
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.byteLength;
    if (size > MOST_BYTES) {
      return {
        answer: problemAnswer({ title: "Body too large", status: 413, detail: `At most ${MOST_BYTES} bytes.` }),
      };
    }
    parts.push(chunk);
  }
  const value = readObject(Buffer.concat(parts));
  return value ? { value } : notAnObject();
}

async function judged(view: RequestView, body: unknown): ReturnType<Post["object"]> {
  if (!isJson(view)) return wrongType();
  return isObject(body) && isExact(body) ? { value: body } : notAnObject();
}

function isJson(view: RequestView): boolean {
  return /^application\/json(?:\s*;|$)/i.test(view.header("content-type") ?? "");
}

function wrongType(): { readonly answer: Answer } {
  return { answer: problemAnswer({ title: "Unsupported media type", status: 415, detail: "Send application/json." }) };
}

function notAnObject(): { readonly answer: Answer } {
  return {
    answer: problemAnswer({ title: "Malformed body", status: 400, detail: "The body must be one JSON object." }),
  };
}
