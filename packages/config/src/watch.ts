// Rotation without a restart: reads the sources again, swaps the whole configuration at once, and keeps the last good one.

import { type Duration, parseDuration } from "@holdfast/core";
import type { ConfigMethods } from "./config.ts";
import { ConfigError } from "./config-error.ts";
import { isPlain } from "./freeze.ts";
import type { Reader, Snapshot } from "./load.ts";
import { isSecret } from "./redact.ts";

export interface WatchOptions<C> {
  /** From the end of one read to the start of the next. */
  readonly interval: Duration;
  /** How far each wait may be off the interval, as a fraction, so that many instances don't ask at once. Default 0.1. */
  readonly jitter?: number;
  /** A number >= 0 and < 1, for the jitter. Default `Math.random`. */
  readonly random?: () => number;
  /** As `close()`. */
  readonly signal?: AbortSignal;
  /** Called when a valid configuration differs from the one before, with the names of the variables that do. */
  readonly onChange: (config: C, changed: NamesOf<C>) => void;
  /**
   * Called when a read failed: a ConfigError when a source could not be asked or the values are not valid. The configuration
   * stays as it was; `staleMs` is the age of the last good read, for an alarm when it grows too old.
   */
  readonly onError: (error: unknown, state: { readonly staleMs: number }) => void;
}

/** The variables of a configuration, without its methods. */
export type NamesOf<C> = readonly Exclude<keyof C & string, keyof ConfigMethods<unknown>>[];

/** Its timer does not keep the process alive. */
export interface Watch<C> extends AsyncDisposable {
  /** The last good configuration. */
  readonly current: C;
  /**
   * Reads now, say on SIGHUP or when a password was refused, and resolves to `current` after a read that began no
   * earlier than this call. Never rejects: `onError` hears of failures.
   */
  refresh(): Promise<C>;
  /** Ends the timer and a read under way; neither callback is called any more. */
  close(): Promise<void>;
}

/**
 * @throws ConfigError `OPTION_INVALID`, HoldfastError `INVALID_DURATION`
 */
export function watch<C extends object>(reader: Reader, first: Snapshot, options: WatchOptions<C>): Watch<C> {
  const { jitter = 0.1, random = Math.random, signal, onChange, onError } = options;
  const intervalMs = parseDuration(options.interval);
  if (intervalMs < 1) throw new ConfigError("OPTION_INVALID", "interval of a watch must be 1 ms or more");
  if (!(jitter >= 0 && jitter < 1))
    throw new ConfigError("OPTION_INVALID", "jitter of a watch must be from 0 to under 1");
  const { clock, logger } = reader;
  const closed = new AbortController();
  let snapshot = first;
  let goodAt = first.readAt;
  let cancelTimer = (): void => {};
  let running: Promise<void> | undefined;
  let queued: Promise<void> | undefined;

  const read = async (): Promise<void> => {
    cancelTimer();
    try {
      const next = await reader.read(closed.signal);
      if (closed.signal.aborted) return;
      goodAt = next.readAt;
      const changed = changedNames(snapshot, next);
      if (changed.length === 0) return;
      snapshot = next;
      onChange(next.config as C, changed as unknown as NamesOf<C>);
    } catch (error) {
      if (!closed.signal.aborted) report(error);
    } finally {
      if (!closed.signal.aborted) arm();
    }
  };
  const report = (error: unknown): void => {
    try {
      onError(error, { staleMs: clock.monotonic() - goodAt });
    } catch {
      // Not with the error itself: nothing is known of what it quotes.
      logger.error({}, "onError of a configuration watch threw");
    }
  };
  const start = (): Promise<void> => {
    running = read().finally(() => {
      running = undefined;
    });
    return running;
  };
  const arm = (): void => {
    cancelTimer();
    const delayMs = intervalMs * (1 + jitter * (2 * random() - 1));
    cancelTimer = clock.schedule(() => void start(), delayMs, { keepAlive: false });
  };
  const close = async (): Promise<void> => {
    signal?.removeEventListener("abort", onAbort);
    cancelTimer();
    closed.abort();
    await running;
  };
  const onAbort = (): void => void close();

  if (signal?.aborted) closed.abort();
  else {
    signal?.addEventListener("abort", onAbort, { once: true });
    arm();
  }

  return {
    get current() {
      return snapshot.config as C;
    },
    async refresh() {
      if (!closed.signal.aborted) {
        // A read that is under way may have passed what the caller knows to be new; all who ask meanwhile share the next.
        queued ??= (running ?? Promise.resolve()).then(() => {
          queued = undefined;
          return closed.signal.aborted ? undefined : start();
        });
        await queued;
      }
      return snapshot.config as C;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function changedNames(before: Snapshot, after: Snapshot): string[] {
  const names = new Set([...before.settled.keys(), ...after.settled.keys()]);
  return [...names].filter((name) => {
    const [old, now] = [before.settled.get(name), after.settled.get(name)];
    // The same text is the same value, also where a schema makes a new object of it each time.
    if (old?.given && old.given.value === now?.given?.value) return false;
    return !equal(old?.value, now?.value);
  });
}

function equal(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (isSecret(a) && isSecret(b)) return equal(a.reveal(), b.reveal());
  if (a instanceof Date && b instanceof Date) return a.getTime() === b.getTime();
  if (!isPlain(a) || !isPlain(b) || Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [Object.entries(a), Object.entries(b)];
  return (
    left.length === right.length &&
    left.every(([key, value]) => Object.hasOwn(b, key) && equal(value, Reflect.get(b, key)))
  );
}
