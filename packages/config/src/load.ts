// The way in: reads the sources, validates, and gives the configuration or throws all that is wrong with it.

import { type Clock, type Logger, silentLogger, systemClock } from "@holdfast/core";
import type { Config, ConfigOptions, Values } from "./config.ts";
import { type AnyRule, type Declaration, declare, type Schema } from "./declaration.ts";
import { explain } from "./explain.ts";
import { freeze } from "./freeze.ts";
import { andThen } from "./parsed.ts";
import { readSources } from "./read-sources.ts";
import { invalidConfig } from "./report.ts";
import type { Rule } from "./rules.ts";
import type { Settled, Warning } from "./settle.ts";
import { processEnv } from "./sources/process-env.ts";
import { type Outcome, validate } from "./validate.ts";
import { type Watch, type WatchOptions, watch } from "./watch.ts";

/**
 * Reads, validates and freezes a service's configuration. Call it once, before anything else starts.
 *
 * @example
 * const config = await loadConfig({
 *   PORT: port().default(3000),
 *   DATABASE_URL: url({ protocols: ["postgres"] }),
 *   SIGNING_KEY: key(),
 * }).catch(reportAndExit);
 *
 * @throws ConfigError `CONFIG_INVALID` with every problem there is, `SCHEMA_INVALID` when the schema itself is at fault;
 * the signal's reason when it aborts
 */
export async function loadConfig<S extends Schema, const R extends readonly Rule<Values<S>>[] = readonly []>(
  schema: S,
  options: ConfigOptions<S, R> = {},
): Promise<Config<S, R>> {
  const reader = createReader(schema, options as unknown as LoadOptions);
  const snapshot = await reader.read(options.signal);
  if (snapshot.warnings.length > 0) {
    reader.logger.warn({ warnings: snapshot.warnings }, "configuration is valid, with warnings");
  }
  return snapshot.config as Config<S, R>;
}

/** `ConfigOptions` with the types of a schema that is known at run time only. */
export type LoadOptions = Omit<ConfigOptions<Schema, readonly []>, "rules"> & { readonly rules?: readonly AnyRule[] };

/** A validated state of the configuration. */
export interface Snapshot {
  readonly config: Readonly<Record<string, unknown>>;
  readonly settled: ReadonlyMap<string, Settled>;
  readonly warnings: readonly Warning[];
  /** By the monotonic clock. */
  readonly readAt: number;
}

/** Reads the same configuration again and again. */
export interface Reader {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Throws or rejects with a ConfigError or the signal's reason. A promise only where something is waited for. */
  read(signal?: AbortSignal): Snapshot | Promise<Snapshot>;
}

export function createReader(schema: Schema, options: LoadOptions): Reader {
  const { sources = [processEnv()], rules = [], clock = systemClock, logger = silentLogger } = options;
  const production = options.production ?? isProduction(process.env["NODE_ENV"]);
  const declaration = declare(schema, rules);

  const snapshot = (outcome: Outcome, at: number): Snapshot => {
    if (outcome.problems.length > 0) throw invalidConfig(outcome.problems);
    return snapshotOf(declaration, at, outcome, reader);
  };
  const reader: Reader = {
    clock,
    logger,
    read(signal) {
      const reading = readSources(sources, declaration.names, { clock, logger, signal });
      const validated = andThen(reading, (read) =>
        andThen(validate(declaration, read, production), (outcome) => snapshot(outcome, read.at)),
      );
      return untilAborted(validated, signal);
    },
  };
  return reader;
}

function isProduction(stage: string | undefined): boolean {
  return Boolean(stage) && stage !== "development" && stage !== "test";
}

function snapshotOf(declaration: Declaration, at: number, { settled, warnings }: Outcome, reader: Reader): Snapshot {
  // A copy that has all its names is filled in half the time that it takes to add one name after the other.
  const config: Record<string, unknown> = { ...declaration.blank };
  for (const name of declaration.names) config[name] = freeze(settled.get(name)?.value);
  const snapshot: Snapshot = { config, settled, warnings, readAt: reader.clock.monotonic() };
  const watchFrom = (options: WatchOptions<Snapshot["config"]>): Watch<Snapshot["config"]> =>
    watch(reader, snapshot, options);
  Object.defineProperty(config, "explain", { value: () => explain(declaration, settled, at) });
  Object.defineProperty(config, "watch", { value: watchFrom });
  Object.freeze(config);
  return snapshot;
}

// Sources end by themselves on an abort; a validator that waits for something can't be told to.
function untilAborted<Value>(work: Value | Promise<Value>, signal: AbortSignal | undefined): Value | Promise<Value> {
  if (!signal || !(work instanceof Promise)) return work;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
