// Counts of what calls do, by the server that they go to, into the meter of `@holdfast/core/metrics`.

import { listen } from "@holdfast/core/events";
import type { Meter } from "@holdfast/core/metrics";
import { CHANNELS, type HttpEvents, type HttpHooks } from "./events.ts";

/**
 * Hooks that count what one client, or one interceptor, does. `server` is host and port.
 *
 * - `holdfast_http_retry_attempts_total` by server, method, and outcome: a status, or an error's code
 * - `holdfast_http_retry_attempt_duration_seconds` by server and method: to the end of the response
 * - `holdfast_http_retry_retries_total` by server, reason, and delay_from
 * - `holdfast_http_retry_give_ups_total` by server and why
 * - `holdfast_http_retry_circuit_open` by server: 1 while it is left alone, 0.5 while it is tried, else 0
 * - `holdfast_http_retry_budget_refusals_total` by server: retries and hedges that were not made
 *
 * @example
 * const meter = promClientMeter(promClient, promClient.register);
 * const api = createHttpClient({ baseUrl: "https://api.example.com", on: httpMetrics(meter) });
 */
export function httpMetrics(meter: Meter): Required<HttpHooks> {
  const attempts = meter.counter({
    name: "holdfast_http_retry_attempts_total",
    help: "Attempts by outcome: a status, or an error's code.",
    labels: ["server", "method", "outcome"],
  });
  const durations = meter.histogram({
    name: "holdfast_http_retry_attempt_duration_seconds",
    help: "Time from an attempt's start to the end of its response.",
    unit: "s",
    labels: ["server", "method"],
  });
  const retries = meter.counter({
    name: "holdfast_http_retry_retries_total",
    help: "Retries, by what went wrong and by whose word the delay was.",
    labels: ["server", "reason", "delay_from"],
  });
  const giveUps = meter.counter({
    name: "holdfast_http_retry_give_ups_total",
    help: "Calls that failed and were not tried again, by why.",
    labels: ["server", "why"],
  });
  const circuits = meter.gauge({
    name: "holdfast_http_retry_circuit_open",
    help: "1 while the server is left alone, 0.5 while it is tried, else 0.",
    labels: ["server"],
  });
  const refusals = meter.counter({
    name: "holdfast_http_retry_budget_refusals_total",
    help: "Retries and hedges that were not made since too many of the server's requests were such.",
    labels: ["server"],
  });
  return {
    attempt({ request: { method, origin }, durationMs, status, attributes }) {
      const server = serverOf(origin);
      attempts.add(1, { server, method, outcome: attributes["error.type"] ?? String(status) });
      durations.record(durationMs / 1000, { server, method });
    },
    retry({ request: { origin }, reason, delayFrom }) {
      retries.add(1, { server: serverOf(origin), reason, delay_from: delayFrom });
    },
    giveUp({ request: { origin }, why }) {
      giveUps.add(1, { server: serverOf(origin), why });
    },
    breaker({ origin, state }) {
      circuits.set(OPENNESS[state], { server: serverOf(origin) });
    },
    budget({ origin }) {
      refusals.add(1, { server: serverOf(origin) });
    },
  };
}

/** Counts what everything of this package does in this process from now on; call the result to stop. */
export function measureHttp(meter: Meter): () => void {
  return listen<HttpEvents>(CHANNELS, httpMetrics(meter));
}

const OPENNESS = { closed: 0, "half-open": 0.5, open: 1 } as const;

/** `https://api.example.com:8443` as `api.example.com:8443`. */
function serverOf(origin: string): string {
  return origin.slice(origin.indexOf("//") + 2);
}
