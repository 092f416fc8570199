// What the sources of remote secret stores share: which entry of the store holds which variable, the bounded parallel
// calls that fetch each entry once, and failures told without the vendor's words. A store's own file adds its `ask`.

import type { FoundValue, Source, UnreadableValue } from "../source.ts";

/** What every remote source takes. */
export interface RemoteOptions {
  /** Stands before the name of each entry, as it is: `/prod/app/` makes `/prod/app/DB_URL`. Default none. */
  readonly prefix?: string;
  /**
   * The entry that holds each variable, or `entry#field` for one field of an entry that is a JSON object. Variables that
   * are not listed are not asked for. Default: every declared variable, in an entry of its own name.
   */
  readonly names?: Readonly<Record<string, string>>;
  /** The longest that one load may take, in milliseconds. Default 10 seconds. */
  readonly timeoutMs?: number;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * What became of one entry. `absent` only where the store itself said that it has no such entry; `problem` is the store's
 * word on this entry alone; `failure` means that the entry could not be asked for.
 */
export type Answer =
  | "absent"
  | { readonly content: string | Fields; readonly version?: string | undefined }
  | { readonly problem: string }
  | { readonly failure: string };

interface RemoteStore {
  readonly name: string;
  readonly timeoutMs: number | undefined;
  /** `entry` or `entry#field`; undefined for a variable that is not to be asked for. */
  readonly locate: (variable: string) => string | undefined;
  /** Stands before an entry in the origin of its values: `ssm:`. */
  readonly scheme: string;
  readonly batchSize: number;
  /** The most calls under way at once. */
  readonly parallel: number;
  /** One call. Rejects when it failed; an entry that the answer leaves out counts as a failure, never as absent. */
  readonly ask: (entries: readonly string[], signal: AbortSignal) => Promise<ReadonlyMap<string, Answer>>;
}

/** A variable that is an entry, or one field of it. */
interface Reader {
  readonly variable: string;
  readonly entry: string;
  readonly field: string | undefined;
}

export function remoteSource(store: RemoteStore): Source {
  return {
    name: store.name,
    ...(store.timeoutMs !== undefined && { timeoutMs: store.timeoutMs }),
    async load(variables, { signal }) {
      const readers = variables.flatMap((variable) => readerOf(variable, store.locate(variable)));
      const entries = [...new Set(readers.map(({ entry }) => entry))];
      const answers = await untilAborted(signal, (calls) => askAll(store, entries, calls));
      return Object.fromEntries(
        readers.map(({ variable, entry, field }) => {
          const place = store.scheme + entry + (field === undefined ? "" : `#${field}`);
          return [variable, read(field, answers.get(entry), place)];
        }),
      );
    },
  };
}

/** `locate` by the options that remote sources share. */
export function locateByName({ prefix = "", names }: RemoteOptions): RemoteStore["locate"] {
  return (variable) => {
    if (!names) return prefix + variable;
    return Object.hasOwn(names, variable) ? `${prefix}${names[variable]}` : undefined;
  };
}

/** `ask` for a store that has no batch call; goes with `batchSize: 1`. */
export function oneByOne(ask: (entry: string, signal: AbortSignal) => Promise<Answer>): RemoteStore["ask"] {
  return async ([entry = ""], signal) => new Map([[entry, await ask(entry, signal)]]);
}

function readerOf(variable: string, place: string | undefined): Reader | [] {
  const [, entry = "", field] = /^([^#]*)(?:#(.*))?$/s.exec(place ?? "") ?? [];
  return entry === "" ? [] : { variable, entry, field };
}

/** Runs `work`, and stops waiting for it as soon as `signal` aborts, whether or not the vendor's client can stop. */
function untilAborted<T>(signal: AbortSignal, work: (calls: AbortSignal) => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  // The calls share a signal of their own: each adds a listener, and Node warns of a leak at a signal's eleventh.
  const calls = new AbortController();
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      reject(signal.reason);
      calls.abort(signal.reason);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    work(calls.signal)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener("abort", onAbort));
  });
}

async function askAll(
  store: RemoteStore,
  entries: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Answer>> {
  const answers = new Map<string, Answer>();
  const batches = inBatches(entries, store.batchSize).values();
  const worker = async (): Promise<void> => {
    // One iterator for all workers: the next batch goes to whichever is free first.
    for (const batch of batches) {
      if (signal.aborted) return;
      for (const [entry, answer] of await askBatch(store, batch, signal)) answers.set(entry, answer);
    }
  };
  await Promise.all(Array.from({ length: store.parallel }, worker));
  const failures = [...answers.values()].flatMap((answer) => (isFailure(answer) ? answer.failure : []));
  if (failures.length > 0 && failures.length === answers.size) throw unreadable([...answers.keys()], failures);
  return answers;
}

async function askBatch(
  store: RemoteStore,
  batch: readonly string[],
  signal: AbortSignal,
): Promise<readonly (readonly [entry: string, Answer])[]> {
  try {
    const answers = await store.ask(batch, signal);
    return batch.map((entry) => [entry, answers.get(entry) ?? { failure: "the answer leaves it out" }]);
  } catch (error) {
    const others = batch.length > 1 ? `, for all ${batch.length} entries of one call` : "";
    return batch.map((entry) => [entry, { failure: describe(error) + others }]);
  }
}

function inBatches<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, n) => items.slice(n * size, (n + 1) * size));
}

function isFailure(answer: Answer): answer is { readonly failure: string } {
  return typeof answer === "object" && "failure" in answer;
}

function unreadable(entries: readonly string[], failures: readonly string[]): Error {
  const shown = entries.slice(0, 3).join(", ") + (entries.length > 3 ? ` and ${entries.length - 3} more` : "");
  return new Error(`${[...new Set(failures)].join("; ")} (${shown})`);
}

/**
 * Code and status of what a vendor's client threw. Its message stays out, and the error itself is no `cause`: the message
 * of a parse error quotes the answer, and an HTTP client's error carries the request with its token.
 */
function describe(error: unknown): string {
  const { code, name, $metadata, response } = (error ?? {}) as {
    readonly code?: unknown;
    readonly name?: unknown;
    readonly $metadata?: { readonly httpStatusCode?: unknown };
    readonly response?: { readonly statusCode?: unknown };
  };
  const status = $metadata?.httpStatusCode ?? response?.statusCode;
  const word = [code, name].find((text) => typeof text === "string" && /^[A-Za-z]\w{0,63}$/.test(text));
  const parts = [word === "Error" ? undefined : word, typeof status === "number" ? `HTTP ${status}` : undefined];
  return parts.filter((part) => part !== undefined).join(", ") || "unknown error";
}

/** `place` is the entry's origin and the field's name: `secretsmanager:prod/db#password`. */
function read(
  field: string | undefined,
  answer: Answer | undefined,
  place: string,
): FoundValue | UnreadableValue | undefined {
  if (answer === undefined || answer === "absent") return undefined;
  if ("problem" in answer) return { problem: answer.problem, origin: place };
  if ("failure" in answer) return { problem: `could not be read: ${answer.failure}`, origin: place };
  const { content, version } = answer;
  const fields = field === undefined || typeof content !== "string" ? content : parseFields(content);
  if (fields === undefined) return { problem: "names a field of an entry that is not a JSON object", origin: place };
  const value = field === undefined ? content : fieldOf(fields, field);
  if (value === undefined || value === null) return undefined;
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    return { problem: "is a number of more digits than JavaScript reads exactly; store it as a string", origin: place };
  }
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return { value: text, origin: place, ...(version !== undefined && { version }) };
}

function parseFields(text: string): Fields | undefined {
  try {
    return asFields(JSON.parse(text));
  } catch {
    return undefined;
  }
}

export function asFields(value: unknown): Fields | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

/** The object's own field; undefined where there is none, or no object. */
export function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Fields)[name]
    : undefined;
}
