// Asks all sources at once, each under its own time limit and the caller's signal. A source that fails is a finding, not an end.

import type { Clock, Logger } from "@holdfast/core";
import { createLateSignal, type LateSignal } from "./late-signal.ts";
import { redactText } from "./redact.ts";
import {
  DEFAULT_TIMEOUT_MS,
  type FoundValue,
  type Source,
  type SourceContext,
  type SourceFunction,
  type SourceResult,
  type UnreadableValue,
} from "./source.ts";
import { repeats } from "./withhold.ts";

/** What one source has for one name. */
export type Candidate = Given | Blocked;

export interface Given {
  readonly source: string;
  readonly found: FoundValue;
}

export interface Blocked {
  readonly source: string;
  readonly blocked: UnreadableValue;
}

export interface Reading {
  /** When all sources had answered, by the wall clock. */
  readonly at: number;
  /** By name, in the order of the sources. */
  readonly candidates: ReadonlyMap<string, readonly Candidate[]>;
  readonly sources: readonly AskedSource[];
}

export interface AskedSource {
  readonly name: string;
  /** Why it could not be asked, as a clause that follows its name. */
  readonly failure?: string;
  readonly names?: () => Iterable<string>;
}

export interface ReadContext {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal?: AbortSignal | undefined;
}

/** Rejects with the signal's reason when it aborts, and never for a source's sake. */
export async function readSources(
  sources: readonly (Source | SourceFunction)[],
  names: readonly string[],
  context: ReadContext,
): Promise<Reading> {
  context.signal?.throwIfAborted();
  const named = sources.map(asSource);
  const answers = await Promise.all(named.map((source) => ask(source, names, context)));
  context.signal?.throwIfAborted();

  const candidates = new Map<string, Candidate[]>();
  const asked = named.map((source, index): AskedSource => {
    const answer = answers[index] ?? { failure: "did not answer" };
    const failure = "failure" in answer ? answer.failure : collect(candidates, source.name, names, answer.result);
    if (failure !== undefined) return { name: source.name, failure };
    return { name: source.name, names: () => source.names?.() ?? [] };
  });
  return { at: context.clock.now(), candidates, sources: asked.map((source) => withheld(source, candidates)) };
}

function asSource(source: Source | SourceFunction, index: number): Source {
  return typeof source === "function" ? { name: source.name || `source ${index + 1}`, load: source } : source;
}

type Answer = { readonly result: SourceResult } | { readonly failure: string };

function ask(source: Source, names: readonly string[], context: ReadContext): Answer | Promise<Answer> {
  const end = createLateSignal();
  const sourceContext: SourceContext = {
    get signal() {
      return end.signal;
    },
    clock: context.clock,
    logger: context.logger,
  };
  try {
    const result = source.load(names, sourceContext);
    return isPromise(result) ? limited(result, source, end, context) : { result };
  } catch (error) {
    return { failure: failureOf(error) };
  }
}

function limited(
  result: PromiseLike<SourceResult>,
  source: Source,
  end: LateSignal,
  { clock, signal }: ReadContext,
): Promise<Answer> {
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = source;
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      cancel();
      signal?.removeEventListener("abort", onAbort);
      act();
    };
    const onAbort = (): void => {
      settle(() => reject(signal?.reason));
      end.abort(signal?.reason);
    };
    const cancel = clock.schedule(() => {
      const failure = `did not answer within ${timeoutMs} ms`;
      settle(() => resolve({ failure }));
      end.abort(new DOMException(failure, "TimeoutError"));
    }, timeoutMs);
    signal?.addEventListener("abort", onAbort, { once: true });
    result.then(
      (value) => settle(() => resolve({ result: value })),
      (error: unknown) => settle(() => resolve({ failure: failureOf(error) })),
    );
  });
}

function isPromise(result: SourceResult | Promise<SourceResult>): result is Promise<SourceResult> {
  return typeof result?.["then"] === "function";
}

/** Sorts an answer into `candidates`; returns what is wrong with the answer as a whole, if anything is. */
function collect(
  candidates: Map<string, Candidate[]>,
  source: string,
  names: readonly string[],
  result: SourceResult,
): string | undefined {
  if (typeof result !== "object" || result === null) return "gave something other than values by name";
  for (const name of names) {
    // Own properties only: every object has a "constructor", and no configuration has it from there.
    const found = Object.hasOwn(result, name) ? result[name] : undefined;
    if (found === undefined) continue;
    const candidate = toCandidate(source, found);
    if (!candidate) return `gave something other than text for ${name}`;
    const others = candidates.get(name);
    if (others) others.push(candidate);
    else candidates.set(name, [candidate]);
  }
  return undefined;
}

function toCandidate(source: string, found: FoundValue | UnreadableValue | string): Candidate | undefined {
  if (typeof found === "string") return { source, found: { value: found, origin: source } };
  if (typeof found !== "object" || found === null) return undefined;
  if ("problem" in found) return typeof found.problem === "string" ? { source, blocked: found } : undefined;
  return typeof found.value === "string" ? { source, found } : undefined;
}

function failureOf(error: unknown): string {
  return `could not be read: ${error instanceof Error ? error.message || error.name : "it rejected without an error"}`;
}

// A client's error may quote the request or the answer; what the other sources gave is checked against it.
function withheld(source: AskedSource, candidates: ReadonlyMap<string, readonly Candidate[]>): AskedSource {
  if (source.failure === undefined) return source;
  const failure = source.failure;
  const quotes = [...candidates.values()].flat().some((one) => "found" in one && repeats(failure, one.found.value));
  const said = quotes ? "could not be read (its message repeats a value, so it is withheld)" : redactText(failure);
  return { ...source, failure: said };
}
