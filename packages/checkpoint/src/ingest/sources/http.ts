// What sources ask of an HTTP client, and how they take its answers.

import { CheckpointError } from "../../errors.ts";

/** A response of `@holdfast/http-retry`'s client, or of fetch. */
export interface SourceResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | null | undefined };
  text(): string | Promise<string>;
}

/** Gets a URL. Retries are its business: what it rejects with ends the run, which then goes on from its checkpoint. */
export type Get = (url: string, call: { readonly signal: AbortSignal }) => Promise<SourceResponse>;

export interface HttpSourceOptions {
  readonly get: Get;
  /** The records of a response's body. Where a page was filtered empty, none. Default: the body itself, an array. */
  readonly records?: ((body: unknown) => readonly unknown[]) | undefined;
}

/** @throws CheckpointError `SOURCE_FAILED` */
export function recordsOf(url: string, body: unknown, records: HttpSourceOptions["records"]): readonly unknown[] {
  const found = records ? records(body) : body;
  if (Array.isArray(found)) return found;
  throw new CheckpointError("SOURCE_FAILED", `${withoutQuery(url)} answered without an array of records; give records`);
}

/** @throws CheckpointError `SOURCE_FAILED` */
export async function bodyOf(url: string, response: SourceResponse): Promise<unknown> {
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
