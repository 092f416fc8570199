// What sources ask of an HTTP client, and how they take its answers.

import { CheckpointError } from "../../errors.ts";
import type { SourceCall } from "../contract.ts";

/** A response of `@holdfast/http-retry`'s client, or of fetch. */
export interface SourceResponse {
  readonly status: number;
  /** `Headers`, or an object with names in lower case. */
  readonly headers: SourceHeaders | Readonly<Record<string, string | readonly string[] | undefined>>;
  /** What was tried before this was answered, where the client tells. */
  readonly attempts?: readonly SourceAttempt[] | undefined;
  text(): string | Promise<string>;
}

interface SourceHeaders {
  get(name: string): string | null | undefined;
}

interface SourceAttempt {
  readonly status?: number | undefined;
  /** Before the next one. */
  readonly waitMs: number;
}

/**
 * Gets a URL. Retries are its business: what it rejects with ends the run, which then goes on from its checkpoint. An error of http-retry
 * has a `response` and `attempts`, which are looked at where it has.
 */
export type Get = (url: string, call: { readonly signal: AbortSignal }) => PromiseLike<SourceResponse>;

export interface HttpSourceOptions {
  readonly get: Get;
  /** The records of a response's body. Where a page was filtered empty, none. Default: the body itself, an array. */
  readonly records?: ((body: unknown) => readonly unknown[]) | undefined;
  /** How many records come after those of a body, for APIs that say so. */
  readonly remaining?: ((body: unknown) => number | undefined) | undefined;
}

export interface Answer {
  readonly body: unknown;
  readonly records: readonly unknown[];
  readonly remaining: number | undefined;
}

/** @throws CheckpointError `SOURCE_FAILED`; what the client rejects with */
export async function ask(url: string, options: HttpSourceOptions, call: SourceCall): Promise<Answer> {
  return await answerOf(url, await responseOf(url, options, call), options);
}

/**
 * The response, also where the client rejects for its status, if that is one of `expected`; and tells of what the client waited for.
 * @throws what the client rejects with
 */
export async function responseOf(
  url: string,
  { get }: HttpSourceOptions,
  { signal, tell }: SourceCall,
  expected: ReadonlySet<number> = new Set(),
): Promise<SourceResponse> {
  try {
    const response = await get(url, { signal });
    tellOfWaits(response, tell);
    return response;
  } catch (error) {
    const { attempts, response } = (error ?? {}) as Partial<Rejection>;
    tellOfWaits({ status: undefined, attempts }, tell);
    if (response !== undefined && expected.has(response.status)) return response;
    throw error;
  }
}

type Rejection = Pick<SourceResponse, "attempts"> & { readonly response: SourceResponse };

function tellOfWaits(
  { status, attempts = [] }: { readonly status: number | undefined } & Pick<SourceResponse, "attempts">,
  tell: SourceCall["tell"],
): void {
  // Of a client that does not try again, the response itself is the refusal.
  const all = [...attempts, { status, waitMs: 0 }];
  for (const { status: refused, waitMs } of all) if (refused === 429) tell({ kind: "rate-limited", waitMs });
}

/** @throws CheckpointError `SOURCE_FAILED` */
export async function answerOf(
  url: string,
  response: SourceResponse,
  { records, remaining }: HttpSourceOptions,
): Promise<Answer> {
  const body = await bodyOf(url, response);
  const found = records ? records(body) : body;
  if (Array.isArray(found)) return { body, records: found, remaining: remaining?.(body) };
  throw new CheckpointError("SOURCE_FAILED", `${withoutQuery(url)} answered without an array of records; give records`);
}

async function bodyOf(url: string, response: SourceResponse): Promise<unknown> {
  if (response.status < 200 || response.status > 299) {
    throw new CheckpointError("SOURCE_FAILED", `${withoutQuery(url)} answered ${response.status}`);
  }
  const text = await response.text();
  try {
    return parseJson(text);
  } catch (cause) {
    throw new CheckpointError("SOURCE_FAILED", `${withoutQuery(url)} did not answer with JSON`, { cause });
  }
}

/** A field of the response; several of one name as one. */
export function headerOf({ headers }: SourceResponse, name: string): string {
  const value = hasGet(headers) ? headers.get(name) : headers[name];
  return typeof value === "string" ? value : (value?.join(", ") ?? "");
}

function hasGet(headers: SourceResponse["headers"]): headers is SourceHeaders {
  return typeof headers["get"] === "function";
}

/** As JSON.parse, but a whole number above 2^53 stays a text, instead of becoming another number. */
export function parseJson(text: string): unknown {
  // To revive costs several times what parsing does, and few bodies need it: only those with 16 digits in a row, which may be in a text too.
  return /\d{16}/.test(text) ? JSON.parse(text, keepDigits as never) : JSON.parse(text);
}

/** The third argument is of ES2026: https://github.com/tc39/proposal-json-parse-with-source. */
function keepDigits(_key: string, value: unknown, { source }: { readonly source?: string }): unknown {
  const isInexact =
    typeof value === "number" && source !== undefined && /^-?\d+$/.test(source) && !Number.isSafeInteger(value);
  return isInexact ? source : value;
}

/** Queries hold tokens now and then. */
function withoutQuery(url: string): string {
  return url.replace(/[?#].*/s, "");
}
