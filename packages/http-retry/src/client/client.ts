// The client: makes calls, and holds what they share.

import type { OutputOf, StandardSchemaV1 } from "@holdfast/core";
import { Agent } from "undici";
import { createEngine } from "../engine/engine.ts";
import { compilePolicy, overridePolicy } from "../policy/policy.ts";
import { type HttpCall, LazyCall, type Sender } from "./call.ts";
import { type CollectOptions, Collector } from "./collector.ts";
import { type Download, openDownload } from "./download.ts";
import { downloadToFile, type FileDownload, type FileDownloadOptions } from "./download-file.ts";
import { createFetch, type FetchLike } from "./fetch.ts";
import type { Room } from "./hops.ts";
import { type CallOptions, type HttpClientOptions, maxBodyBytesOf, maxRedirectsOf } from "./options.ts";
import { createRequests } from "./requests.ts";

/** Makes a call of one method. With a `schema`, what the call's JSON is typed as and checked to be. */
export interface Verb {
  <Schema extends StandardSchemaV1>(
    url: string | URL,
    options: CallOptions & { readonly schema: Schema },
  ): HttpCall<OutputOf<Schema>>;
  (url: string | URL, options?: CallOptions): HttpCall;
}

export interface DownloadToOptions extends CallOptions, Pick<FileDownloadOptions, "onProgress"> {}

export interface HttpClient extends AsyncDisposable {
  readonly get: Verb;
  readonly head: Verb;
  readonly options: Verb;
  readonly put: Verb;
  readonly delete: Verb;
  /** Tried again only with `idempotencyKey` or `retryUnsafe`, or where the request provably never left. */
  readonly post: Verb;
  /** As `post`. */
  readonly patch: Verb;
  /** A call of any method. */
  request<Schema extends StandardSchemaV1>(
    method: string,
    url: string | URL,
    options: CallOptions & { readonly schema: Schema },
  ): HttpCall<OutputOf<Schema>>;
  request(method: string, url: string | URL, options?: CallOptions): HttpCall;
  /** What `fetch` is, but that it tries again. A status stays a `Response`. The options of the client's calls do not hold for it. */
  readonly fetch: FetchLike;
  /** As `get(url, options).stream()`. */
  download(url: string | URL, options?: CallOptions): Promise<Download>;
  /**
   * Downloads into a file, which is there only when it is whole and its `Repr-Digest` is right. One that was broken off, by an
   * abort, a deadline or the end of the process, is gone on with by the next download of the same URL to the same file.
   */
  downloadTo(url: string | URL, file: string, options?: DownloadToOptions): Promise<FileDownload>;
  /** Lets requests that are under way end, and closes the client's own connections. A dispatcher that was given stays open. */
  close(): Promise<void>;
}

/**
 * Makes a client. Every call it makes is tried again by one policy, and has one deadline over attempts, waits, redirects and
 * body. A status of 400 or above that is left at the end is an `HttpRetryError`.
 *
 * @example
 * const api = createHttpClient({ baseUrl: "https://api.example.com/v1", deadline: "20s" });
 * const user = await api.get("users/7").json(z.object({ name: z.string() }));
 * @throws HttpRetryError `INVALID_OPTION`
 */
export function createHttpClient(options: HttpClientOptions = {}): HttpClient {
  const policy = compilePolicy(options);
  const requestOf = createRequests(options);
  const defaults: CollectOptions = {
    policy,
    signal: undefined,
    schema: undefined,
    maxBodyBytes: maxBodyBytesOf(options) ?? 16 * 2 ** 20,
    maxRedirects: maxRedirectsOf(options) ?? 10,
  };
  const ownAgent = options.dispatcher ? undefined : new Agent();
  const dispatcher = options.dispatcher ?? (ownAgent as Agent);
  const room: Room = {
    engine: createEngine(policy),
    dispatch: (dispatchOptions, handler) => dispatcher.dispatch(dispatchOptions, handler),
  };

  const optionsOf = (call: CallOptions | undefined): CollectOptions =>
    call === undefined
      ? defaults
      : {
          policy: overridePolicy(policy, call),
          signal: call.signal,
          schema: call.schema,
          maxBodyBytes: maxBodyBytesOf(call) ?? defaults.maxBodyBytes,
          maxRedirects: maxRedirectsOf(call) ?? defaults.maxRedirects,
        };
  /** A body that is not read whole may take as long as it is, unless somebody said how long that is. */
  const untimed = (call: CallOptions | undefined): CallOptions => ({
    ...call,
    deadline: call?.deadline ?? options.deadline ?? 0,
  });
  const sender: Sender = {
    collect(method, url, call) {
      return new Promise((resolve, reject) => {
        const own = optionsOf(call);
        new Collector(room, requestOf(method, url, call, own.policy), own, resolve, reject).start();
      });
    },
    async openStream(method, url, call) {
      const own = optionsOf(untimed(call));
      return openDownload(room, requestOf(method, url, call, own.policy), own);
    },
  };
  // What LazyCall can't say: that its JSON is what the schema in its options makes.
  const verb = (method: string): Verb =>
    ((url: string | URL, call?: CallOptions) => new LazyCall(sender, method, url, call)) as Verb;
  const get = verb("GET");
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= ownAgent?.close() ?? Promise.resolve();
    return closed;
  };

  return {
    get,
    head: verb("HEAD"),
    options: verb("OPTIONS"),
    put: verb("PUT"),
    delete: verb("DELETE"),
    post: verb("POST"),
    patch: verb("PATCH"),
    request: (method: string, url: string | URL, call?: CallOptions) => verb(method.toUpperCase())(url, call),
    fetch: createFetch(room, policy),
    download: (url, call) => get(url, call).stream(),
    async downloadTo(url, file, call) {
      const own = optionsOf(untimed(call));
      const request = requestOf("GET", url, call, own.policy);
      return downloadToFile(room, request, file, { ...own, onProgress: call?.onProgress });
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
