// Leaves an origin alone that fails, and finds out with a few requests whether it is back.

/**
 * - `closed`: requests pass, and their outcomes are counted over a sliding window
 * - `open`: none passes; so many of the window's requests failed
 * - `half-open`: a few pass; if all succeed it closes, and with the first that fails it is open again
 */
export type BreakerState = "closed" | "open" | "half-open";

export interface BreakerSettings {
  readonly failureRatio: number;
  readonly windowMs: number;
  readonly minimum: number;
  readonly openMs: number;
  readonly probes: number;
}

/**
 * Each request that `allow` let pass ends with one call of `succeed`, `fail` or `release`. Times are of a monotonic clock. What
 * comes back while it is open is of requests from before, and counts for nothing; what comes back while probes are out counts as
 * one of theirs.
 *
 * Source: Michael Nygard, "Release It!", chapter "Stability Patterns"; the ratio over a window, with a minimum of requests, is
 * what most breakers go by today.
 */
export interface Breaker {
  readonly state: BreakerState;
  allow(nowMs: number): boolean;
  succeed(nowMs: number): void;
  fail(nowMs: number): void;
  /** The request says nothing of the origin: its caller called it off. */
  release(): void;
}

export interface BreakerOptions extends BreakerSettings {
  readonly onChange?: ((state: BreakerState) => void) | undefined;
}

// The window slides by a tenth of itself at a time.
const SLICES = 10;

export function createBreaker(options: BreakerOptions): Breaker {
  const { failureRatio, windowMs, minimum, openMs, probes, onChange } = options;
  const counts = createWindow(windowMs);
  let state: BreakerState = "closed";
  let reopensAt = 0;
  let probing = 0;
  let probed = 0;

  function change(to: BreakerState): void {
    state = to;
    probing = 0;
    probed = 0;
    onChange?.(to);
  }

  function open(nowMs: number): void {
    reopensAt = nowMs + openMs;
    counts.clear();
    change("open");
  }

  return {
    get state() {
      return state;
    },
    allow(nowMs) {
      if (state === "closed") return true;
      if (state === "open") {
        if (nowMs < reopensAt) return false;
        change("half-open");
      }
      if (probing + probed >= probes) return false;
      probing++;
      return true;
    },
    succeed(nowMs) {
      if (state === "closed") counts.add(nowMs, 0);
      // With nobody probing, it is the answer to a request from before.
      else if (state === "half-open" && probing > 0) {
        probing--;
        probed++;
        if (probed >= probes) change("closed");
      }
    },
    fail(nowMs) {
      if (state === "closed") {
        counts.add(nowMs, 1);
        if (counts.total >= minimum && counts.failed >= failureRatio * counts.total) open(nowMs);
      } else if (state === "half-open" && probing > 0) {
        open(nowMs);
      }
    },
    release() {
      if (state === "half-open" && probing > 0) probing--;
    },
  };
}

interface Window {
  readonly total: number;
  readonly failed: number;
  add(nowMs: number, failures: 0 | 1): void;
  clear(): void;
}

/** Counts over the last `windowMs`, in slices that are dropped as a whole. */
function createWindow(windowMs: number): Window {
  const sliceMs = windowMs / SLICES;
  const totals = new Uint32Array(SLICES);
  const failures = new Uint32Array(SLICES);
  let current = 0;
  let total = 0;
  let failed = 0;

  function clear(): void {
    totals.fill(0);
    failures.fill(0);
    total = 0;
    failed = 0;
  }

  function moveTo(slice: number): void {
    if (slice - current >= SLICES) clear();
    else {
      while (current < slice) {
        const index = ++current % SLICES;
        total -= totals[index] ?? 0;
        failed -= failures[index] ?? 0;
        totals[index] = 0;
        failures[index] = 0;
      }
    }
    current = slice;
  }

  return {
    get total() {
      return total;
    },
    get failed() {
      return failed;
    },
    add(nowMs, failure) {
      const slice = Math.floor(nowMs / sliceMs);
      if (slice > current) moveTo(slice);
      const index = current % SLICES;
      totals[index] = (totals[index] ?? 0) + 1;
      failures[index] = (failures[index] ?? 0) + failure;
      total++;
      failed += failure;
    },
    clear,
  };
}
