// Counts of what happens to tokens, into the meter of `@holdfast/core/metrics`.

import { listen } from "@holdfast/core/events";
import type { Meter } from "@holdfast/core/metrics";
import { CHANNELS, type TokenEvents, type TokenHooks } from "./events.ts";

/**
 * Hooks that count what happens to tokens, and to the passes and sessions of an embedding (`kind`: `token`, `pass` or `session`).
 *
 * - `holdfast_embed_token_issued_total` by kind
 * - `holdfast_embed_token_checks_total` by kind and outcome: `accepted`, or the reason of a refusal
 * - `holdfast_embed_token_revocations_total` by kind of what was revoked
 * - `holdfast_embed_token_requests_total` and `holdfast_embed_token_request_duration_seconds` of the endpoint, by outcome
 *
 * @example
 * const meter = promClientMeter(promClient, promClient.register);
 * const tokens = createEmbedTokens({ ...options, on: embedTokenMetrics(meter) });
 */
export function embedTokenMetrics(meter: Meter): Required<TokenHooks> {
  const issued = meter.counter({
    name: "holdfast_embed_token_issued_total",
    help: "Tokens, passes and sessions that were issued.",
    labels: ["kind"],
  });
  const checks = meter.counter({
    name: "holdfast_embed_token_checks_total",
    help: "Tokens, passes and sessions that were checked: accepted, or why not.",
    labels: ["kind", "outcome"],
  });
  const revocations = meter.counter({
    name: "holdfast_embed_token_revocations_total",
    help: "Revocations of tokens, subjects, dashboards and keys.",
    labels: ["kind"],
  });
  const requests = meter.counter({
    name: "holdfast_embed_token_requests_total",
    help: "Requests for a token: issued, or why not.",
    labels: ["outcome"],
  });
  const durations = meter.histogram({
    name: "holdfast_embed_token_request_duration_seconds",
    help: "Time that a request for a token took.",
    unit: "s",
    labels: ["outcome"],
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
  });
  return {
    issued: ({ kind }) => issued.add(1, { kind }),
    accepted: ({ kind }) => checks.add(1, { kind, outcome: "accepted" }),
    refused: ({ kind, reason }) => checks.add(1, { kind, outcome: reason }),
    revoked: ({ kind }) => revocations.add(1, { kind }),
    requested({ outcome, durationMs }) {
      requests.add(1, { outcome });
      durations.record(durationMs / 1000, { outcome });
    },
  };
}

/** Counts what happens to every token in this process from now on; call the result to stop. */
export function measureEmbedTokens(meter: Meter): () => void {
  return listen<TokenEvents>(CHANNELS, embedTokenMetrics(meter));
}
