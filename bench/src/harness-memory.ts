// What things weigh, and for how long the collector stops the process. For scripts that freshProcesses runs with
// --expose-gc: in a process that has done other work before, neither figure means much.

import { PerformanceObserver } from "node:perf_hooks";
import { quantile } from "./harness-statistics.ts";

/**
 * What is being weighed, hung on the module where the collector can't take it.
 * @public
 */
export let held: unknown;

/**
 * Bytes a thing: `fill` makes `count` of them and resolves to what holds them all. Counts the heap and what buffers hold
 * outside it.
 * @throws Error when the process runs without --expose-gc
 */
export async function bytesPerKey(count: number, fill: (count: number) => unknown): Promise<number> {
  const before = await bytesInUse();
  held = await fill(count);
  const after = await bytesInUse();
  held = undefined;
  return (after - before) / count;
}

/** Milliseconds for which the collector stopped the process. */
export interface GcPauses {
  readonly longest: number;
  readonly p99: number;
  readonly total: number;
  readonly count: number;
}

/** Runs `work` and tells what the collector did meanwhile. */
export async function gcPauses(work: () => unknown): Promise<GcPauses> {
  const pauses: number[] = [];
  const note = (entries: readonly { readonly duration: number }[]): void => {
    for (const { duration } of entries) pauses.push(duration);
  };
  const observer = new PerformanceObserver((list) => note(list.getEntries()));
  observer.observe({ entryTypes: ["gc"] });
  await work();
  await turn();
  note(observer.takeRecords());
  observer.disconnect();
  pauses.sort((a, b) => a - b);
  return {
    longest: pauses.at(-1) ?? 0,
    p99: pauses.length > 0 ? quantile(pauses, 0.99) : 0,
    total: pauses.reduce((sum, pause) => sum + pause, 0),
    count: pauses.length,
  };
}

async function bytesInUse(): Promise<number> {
  const collect = globalThis.gc;
  if (!collect) throw new Error('memory can be weighed only with --expose-gc: pass nodeArguments: ["--expose-gc"]');
  // Twice: what a finaliser lets go of in the first pass falls in the second.
  for (let pass = 0; pass < 2; pass++) {
    collect();
    await turn();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Lets the event loop go round, which runs finalisers and delivers performance entries. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
