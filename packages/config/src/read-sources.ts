// Asks all sources at once, each under its own time limit and the caller's signal. A source that fails is a finding, not an end.

import type { Clock, Logger } from "@holdfast/core";
import { redactText } from "./redact.ts";
import {
  DEFAULT_TIMEOUT_MS,
  type FoundValue,
  type Source,
  type SourceFunction,
  type SourceResult,
  type UnreadableValue,
} from "./source.ts";
import { SourceCall } from "./source-call.ts";
import { repeats } from "./withhold.ts";

/** What one source has for one name. */
export type Candidate = Given | Blocked;

export interface Given extends FoundValue {
  readonly source: string;
}

export interface Blocked {
  readonly source: string;
  readonly blocked: UnreadableValue;
}

export interface Reading {
  /** When all sources had answered, by the wall clock. */
  readonly at: number;
  readonly sources: readonly AskedSource[];
}

export interface AskedSource {
  readonly name: string;
  readonly result: SourceResult;
  /** Why it could not be asked, as a clause that follows its name. */
  readonly failure?: string;
  readonly names?: () => Iterable<string>;
}

/** What a source has for a name. */
export function candidateOf({ name: source, result }: AskedSource, name: string): Candidate | undefined {
  // Own properties only: every object has a "constructor", and no configuration has it from there.
  const found = Object.hasOwn(result, name) ? result[name] : undefined;
  if (found === undefined) return undefined;
  if (typeof found === "string") return { source, value: found, origin: source };
  const entry: Partial<FoundValue & UnreadableValue> | null = found;
  if (typeof entry?.value === "string") return { ...(entry as FoundValue), source, origin: entry.origin ?? source };
  if (typeof entry?.problem === "string") return { source, blocked: found as UnreadableValue };
  return { source, blocked: { problem: "is given as something other than text" } };
}

export interface ReadContext {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal?: AbortSignal | undefined;
}

/** Throws or rejects with the signal's reason when it aborts, and never for a source's sake. A promise only where one is waited for. */
export function readSources(
  sources: readonly (Source | SourceFunction)[],
  names: readonly string[],
  context: ReadContext,
): Reading | Promise<Reading> {
  context.signal?.throwIfAborted();
  const asked = sources.map((source, index) => ask(asSource(source, index), names, context));
  const read = (answers: readonly AskedSource[]): Reading => {
    context.signal?.throwIfAborted();
    const failed = answers.some(({ failure }) => failure !== undefined);
    const said = failed ? answers.map((source) => withheld(source, answers, names)) : answers;
    return { at: context.clock.now(), sources: said };
  };
  const waits = asked.some((answer) => answer instanceof Promise);
  return waits ? Promise.all(asked).then(read) : read(asked as AskedSource[]);
}

function asSource(source: Source | SourceFunction, index: number): Source {
  return typeof source === "function" ? { name: source.name || `source ${index + 1}`, load: source } : source;
}

function ask(
  source: Source,
  names: readonly string[],
  { clock, logger, signal }: ReadContext,
): AskedSource | Promise<AskedSource> {
  const call = new SourceCall(clock, logger);
  try {
    const result = source.load(names, call);
    return isPromise(result) ? limited(result, source, call, signal) : answered(source, result);
  } catch (error) {
    return rejected(source, error);
  }
}

function limited(
  result: Promise<SourceResult>,
  source: Source,
  call: SourceCall,
  signal: AbortSignal | undefined,
): Promise<AskedSource> {
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = source;
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      cancel();
      signal?.removeEventListener("abort", onAbort);
      act();
    };
    const onAbort = (): void => {
      settle(() => reject(signal?.reason));
      call.end(signal?.reason);
    };
    const cancel = call.clock.schedule(() => {
      const failure = `did not answer within ${timeoutMs} ms`;
      settle(() => resolve(failed(source, failure)));
      call.end(new DOMException(failure, "TimeoutError"));
    }, timeoutMs);
    signal?.addEventListener("abort", onAbort, { once: true });
    result.then(
      (value) => settle(() => resolve(answered(source, value))),
      (error: unknown) => settle(() => resolve(rejected(source, error))),
    );
  });
}

function isPromise(result: SourceResult | Promise<SourceResult>): result is Promise<SourceResult> {
  return typeof result?.["then"] === "function";
}

function answered(source: Source, result: SourceResult): AskedSource {
  if (typeof result !== "object" || result === null) return failed(source, "gave something other than values by name");
  return { name: source.name, result, names: () => source.names?.() ?? [] };
}

function rejected(source: Source, error: unknown): AskedSource {
  const why = error instanceof Error ? error.message || error.name : "it rejected without an error";
  return failed(source, `could not be read: ${why}`);
}

function failed({ name }: Source, failure: string): AskedSource {
  return { name, result: {}, failure };
}

// A client's error may quote the request or the answer; what the other sources gave is checked against it.
function withheld(source: AskedSource, asked: readonly AskedSource[], names: readonly string[]): AskedSource {
  const { failure } = source;
  if (failure === undefined) return source;
  const candidates = asked.flatMap((other) => names.map((name) => candidateOf(other, name)));
  const quotes = candidates.some((one) => one && "value" in one && repeats(failure, one.value));
  const said = quotes ? "could not be read (its message repeats a value, so it is withheld)" : redactText(failure);
  return { ...source, failure: said };
}
