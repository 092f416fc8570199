// Counts of what limiters do, by the limiter's name, into the meter of `@holdfast/core/metrics`.

import { listen } from "@holdfast/core/events";
import type { Meter } from "@holdfast/core/metrics";
import { CHANNELS, type LimiterEvents, type LimiterHooks } from "./events.ts";

/**
 * Hooks that count what one limiter does.
 *
 * - `holdfast_rate_limiter_decisions_total` by limiter, outcome and dry_run
 * - `holdfast_rate_limiter_decision_duration_seconds` by limiter
 * - `holdfast_rate_limiter_store_failures_total` by limiter and reason, and `holdfast_rate_limiter_store_up`, 0 or 1, by limiter
 *
 * @example
 * const meter = promClientMeter(promClient, promClient.register);
 * const limiter = createRateLimiter({ name: "api", rules: "60/minute", on: limiterMetrics(meter) });
 */
export function limiterMetrics(meter: Meter): Required<LimiterHooks> {
  const decisions = meter.counter({
    name: "holdfast_rate_limiter_decisions_total",
    help: "Decisions by outcome; in a dry run the one that would have been.",
    labels: ["limiter", "outcome", "dry_run"],
  });
  const durations = meter.histogram({
    name: "holdfast_rate_limiter_decision_duration_seconds",
    help: "Time that a decision took, the store's answer included.",
    unit: "s",
    labels: ["limiter"],
    buckets: [0.00001, 0.0001, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.2, 1],
  });
  const failures = meter.counter({
    name: "holdfast_rate_limiter_store_failures_total",
    help: "Times that a store failed and its circuit opened.",
    labels: ["limiter", "reason"],
  });
  const up = meter.gauge({
    name: "holdfast_rate_limiter_store_up",
    help: "1 while the store answers, 0 while decisions are degraded.",
    labels: ["limiter"],
  });
  return {
    decision({ limiter, outcome, dryRun, durationMs }) {
      decisions.add(1, { limiter, outcome, dry_run: String(dryRun) });
      durations.record(durationMs / 1000, { limiter });
    },
    store({ limiter, state, reason }) {
      if (state === "down") failures.add(1, { limiter, reason: reason ?? "error" });
      up.set(state === "up" ? 1 : 0, { limiter });
    },
  };
}

/** Counts what every limiter of this process does from now on; call the result to stop. */
export function measureRateLimiters(meter: Meter): () => void {
  return listen<LimiterEvents>(CHANNELS, limiterMetrics(meter));
}
