// How long an origin took lately, for the time after which a request counts as slow.

export interface Latencies {
  add(ms: number): void;
  /** The time that 95 of 100 recent requests kept to; undefined before there are 20 of them. Up to 16 requests behind. */
  p95(): number | undefined;
}

const KEPT = 256;
const FEWEST = 20;
// Sorting 256 figures takes some microseconds, which are not spent again for each request.
const RENEWED_AFTER = 16;

export function createLatencies(): Latencies {
  const recent = new Float64Array(KEPT);
  let added = 0;
  let sortedAt = 0;
  let known = 0;

  return {
    add(ms) {
      recent[added++ % KEPT] = ms;
    },
    p95() {
      if (added < FEWEST) return undefined;
      if (sortedAt === 0 || added - sortedAt >= RENEWED_AFTER) {
        const sorted = recent.slice(0, Math.min(added, KEPT)).sort();
        known = sorted[Math.ceil(0.95 * sorted.length) - 1] ?? 0;
        sortedAt = added;
      }
      return known;
    },
  };
}
