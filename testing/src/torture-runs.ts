// Runs the tortures of a package and keeps account of what was lost.

import { globSync } from "node:fs";
import { join } from "node:path";
import { createRandom, deriveSeed } from "./random.ts";
import type { Torture } from "./torture.ts";

export interface TortureRuns {
  readonly runs: number;
  /** All the runs follow from it; where there is only one, it is that one's own. So what a failure prints repeats it. */
  readonly seed: number;
  /** No run starts after this much time. Default: all are made. */
  readonly limitMs?: number;
  /** After which a run counts as lost. Default: a minute. */
  readonly runLimitMs?: number;
}

export interface TortureResult {
  readonly tried: number;
  readonly lost: readonly LostRun[];
}

export interface LostRun {
  readonly seed: number;
  readonly error: unknown;
  readonly log: readonly string[];
}

const RUN_LIMIT_MS = 60_000;

/** A seed to start from where none is given. */
export const anySeed = (): number => Math.floor(Math.random() * 2 ** 32);

/** Makes the runs of one torture, one after the other; what fails is counted, and the next run starts. */
export async function runTorture(torture: Torture, options: TortureRuns): Promise<TortureResult> {
  const { runs, seed, limitMs = Number.POSITIVE_INFINITY, runLimitMs = RUN_LIMIT_MS } = options;
  const end = performance.now() + limitMs;
  const lost: LostRun[] = [];
  let tried = 0;
  try {
    await torture.setUp?.();
    for (; tried < runs && performance.now() < end; tried++) {
      const ownSeed = runs === 1 ? seed : deriveSeed(seed, tried);
      const log: string[] = [];
      await runOnce(torture, ownSeed, log, runLimitMs).catch((error: unknown) =>
        lost.push({ seed: ownSeed, error, log }),
      );
    }
  } finally {
    await torture.tearDown?.();
  }
  return { tried, lost };
}

async function runOnce(torture: Torture, seed: number, log: string[], limitMs: number): Promise<void> {
  const late = new AbortController();
  const { promise: failure, reject: fail } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.abort();
    fail(new Error(`the run took longer than ${limitMs / 1000} s`));
  }, limitMs);
  // An error that nobody caught is this run's, and must not end all the others.
  process.on("uncaughtException", fail).on("unhandledRejection", fail);
  try {
    const context = { signal: late.signal, log: (message: string) => void log.push(message) };
    await Promise.race([torture.run(createRandom(seed), context), failure]);
  } finally {
    clearTimeout(timer);
    process.off("uncaughtException", fail).off("unhandledRejection", fail);
  }
}

/** The package's tortures, out of the files in its folder `torture`. */
async function loadTortures(folder: string): Promise<Torture[]> {
  const files = globSync(join(folder, "torture/*.ts")).sort();
  return Promise.all(
    files.map(async (file) => {
      const { torture } = (await import(file)) as { readonly torture?: Torture };
      if (!torture) throw new Error(`${file} does not export torture`);
      return torture;
    }),
  );
}

/**
 * Runs every torture of the packages, `runs` times each or as many times as its own sample, and prints what was lost with
 * the command that repeats it. The time, where it is limited, is shared out evenly.
 */
export async function torturePackages(
  packages: readonly { readonly name: string; readonly folder: string }[],
  options: { readonly runs?: number | undefined; readonly seed: number; readonly limitMs?: number },
): Promise<{ readonly tried: number; readonly lost: number }> {
  const { seed, limitMs = Number.POSITIVE_INFINITY } = options;
  const end = performance.now() + limitMs;
  const loaded = await Promise.all(
    packages.map(async ({ name, folder }) => (await loadTortures(folder)).map((torture) => ({ name, torture }))),
  );
  const waiting = loaded.flat();
  let tried = 0;
  let lost = 0;
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const { name, torture } = next;
    const { runs = torture.sample } = options;
    console.log(`Torturing ${name}: ${torture.name} (${runs} runs, seed ${seed})`);
    try {
      const ownLimitMs = (end - performance.now()) / (waiting.length + 1);
      const result = await runTorture(torture, { runs, seed, limitMs: ownLimitMs });
      if (result.tried < runs) console.log(`  its time was up after ${result.tried} runs`);
      for (const run of result.lost) print(name, run);
      tried += result.tried;
      lost += result.lost.length;
    } catch (error) {
      console.log("  lost, since its setUp or tearDown failed:", error);
      tried += 1;
      lost += 1;
    }
  }
  return { tried, lost };
}

function print(name: string, { seed, error, log }: LostRun): void {
  for (const message of log) console.log(`  ${message}`);
  console.log("  lost:", error);
  console.log(`  repeat it: pnpm torture ${name} --runs 1 --seed ${seed}`);
}
