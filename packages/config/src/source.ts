// The interface that sources of configuration fulfil; its doc comment is the contract.

import type { Clock, Logger } from "@holdfast/core";

/** A value, and where it was found. */
export interface FoundValue {
  readonly value: string;
  /** Where exactly, for people: `process.env`, `.env:12`, `/run/secrets/db (DB_FILE)`, `ssm:/prod/app/DB_URL version 3`. */
  readonly origin: string;
  /** The store's own version id, when it has one. */
  readonly version?: string;
}

/** What keeps one variable from being read, while the source as a whole works. Never holds the value. */
export interface UnreadableValue {
  /** `conflict`: it is given in two ways that exclude each other. Default `unreadable`. */
  readonly kind?: "unreadable" | "conflict";
  /** A clause that follows the variable's name: `both DB and DB_FILE are set`, `secret has no current version`. */
  readonly problem: string;
  /** As `FoundValue.origin`. */
  readonly origin?: string;
}

/** By variable name; read by own property only. A bare string is a value whose origin is the source's name. */
export type SourceResult = Readonly<Record<string, FoundValue | UnreadableValue | string | undefined>>;

export interface SourceContext {
  /** Aborts when the source's time is up or the caller has lost interest. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Somewhere that variables come from. A source is asked once a load, for all declared names together and never for any
 * other, at the same time as the other sources; of several that have a name the first in the list wins.
 *
 * `load` resolves to those that it has. A name that it lacks is left out or `undefined`, which is no error; a name that
 * it has but can't read is an `UnreadableValue`, which is a problem of that variable alone and is never passed over for
 * a later source. `load` rejects only when the source could not be asked at all; the rejection's message goes to the
 * report, so it must hold no value and no credential. When `signal` aborts it stops and leaves no timer, socket or
 * listener behind; a load that goes on regardless is no longer waited for. It must bear being called again at any time,
 * as `watch` does.
 */
export interface Source {
  /** For people: `process.env`, `ssm:/prod/app`. Holds no credential. */
  readonly name: string;
  /** The longest that one load may take, in milliseconds. Default 10 seconds. */
  readonly timeoutMs?: number;
  load(names: readonly string[], context: SourceContext): SourceResult | Promise<SourceResult>;
  /**
   * The names that the last load saw, declared or not, to tell a misspelt one from an absent one. Left out by sources
   * that can't list what they hold, or that should not.
   */
  names?(): Iterable<string>;
}

/** A source of one's own in its shortest form: `Source.load` alone. Its name in reports is the function's own. */
export type SourceFunction = (names: readonly string[], context: SourceContext) => SourceResult | Promise<SourceResult>;

/** The longest that one load of a source may take unless the source says otherwise. */
export const DEFAULT_TIMEOUT_MS = 10_000;
