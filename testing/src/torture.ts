// What a file in packages/NAME/torture/ exports: one invariant, and a way to try to break it, a random one each run.

import type { Random } from "./random.ts";

export { createRandom, type Random } from "./random.ts";

/**
 * @example
 * export const torture: Torture = {
 *   name: "a token is spent once",
 *   sample: 5,
 *   async run(random, { log }) {
 *     log(`${random.int(2, 9)} instances`);
 *     ...
 *     if (spent > limit) throw new Error(`${spent} tokens spent of ${limit}`);
 *   },
 * };
 */
export interface Torture {
  readonly name: string;
  /** How many runs `pnpm test` makes. */
  readonly sample: number;
  /** Throws when the invariant broke. All that differs from run to run comes out of `random`. */
  run(random: Random, context: TortureContext): Promise<void>;
  /** Before the first run: starts servers, say. */
  setUp?(): Promise<void>;
  /** After the last run, also when `setUp` failed. */
  tearDown?(): Promise<void>;
}

export interface TortureContext {
  /** Aborts when the run has taken too long. */
  readonly signal: AbortSignal;
  /** Shown only if this run fails. */
  log(message: string): void;
}
