// A million keys, each asked for once: what they weigh, how fast they come in, and what they cost the collector.

import { bytesPerKey, gcPauses, report } from "../harness.ts";
import { processorMs } from "../processor-time.ts";
import { keysOnce } from "./keys.ts";

const KEYS = 1_000_000;

/** Makes a limiter and returns what a call on it is. */
type Create = () => (key: string) => unknown;

/** Called by a script for its limiter. */
export async function reportFill(create: Create): Promise<void> {
  warmUp(create());
  const keys = keysOnce(KEYS);
  const consume = create();
  let insertsPerSecond = 0;
  const bytes = await bytesPerKey(KEYS, () => {
    const start = processorMs();
    for (let index = 0; index < KEYS; index++) consume(keys(index));
    insertsPerSecond = KEYS / ((processorMs() - start) / 1000);
    return consume;
  });
  const { longest } = await gcPauses(() => globalThis.gc?.());
  // Still in use, so that the collector had all of it to go through.
  consume(keys(0));
  report({ bytes, insertsPerSecond, gcMs: longest });
}

/** Called by a script for its limiter: how long a call may take that meets growth, a rebuild or the collector. */
export function reportLongest(create: Create): void {
  warmUp(create());
  const keys = keysOnce(KEYS);
  const consume = create();
  const durations = new Float64Array(KEYS);
  let before = processorMs();
  for (let index = 0; index < KEYS; index++) {
    consume(keys(index));
    const after = processorMs();
    durations[index] = after - before;
    before = after;
  }
  durations.sort();
  const from = (end: number): number => durations[KEYS - 1 - end] ?? Number.NaN;
  report({ p9999Ms: from(KEYS / 10_000), longestMs: from(0) });
}

/** Enough for the compiler, and few beside a million: some limiters keep theirs alive by timers. */
function warmUp(consume: (key: string) => unknown): void {
  const keys = keysOnce(20_000);
  for (let index = 0; index < 20_000; index++) consume(keys(index));
}
