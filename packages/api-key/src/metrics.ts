// Counts of what keys are used for, into the meter of `@holdfast/core/metrics`.

import { listen } from "@holdfast/core/events";
import type { Meter } from "@holdfast/core/metrics";
import { CHANNELS, type KeyEvents, type KeyHooks } from "./events.ts";

/**
 * Hooks that count. By reason and kind of change, never by key or owner, of which there may be any number.
 *
 * - `holdfast_api_key_checks_total` by outcome: `accepted`, or the reason of a refusal
 * - `holdfast_api_key_changes_total` by change
 * - `holdfast_api_key_expiring_total`: keys in use that will expire soon, at most once a day each
 *
 * @example
 * const keys = createApiKeys({ store, prefix: "acme", on: keyMetrics(promClientMeter(promClient, promClient.register)) });
 */
export function keyMetrics(meter: Meter): Required<KeyHooks> {
  const checks = meter.counter({
    name: "holdfast_api_key_checks_total",
    help: "Checks of API keys by outcome.",
    labels: ["outcome"],
  });
  const changes = meter.counter({
    name: "holdfast_api_key_changes_total",
    help: "API keys created, rotated, revoked, and put under another pepper.",
    labels: ["change"],
  });
  const expiring = meter.counter({
    name: "holdfast_api_key_expiring_total",
    help: "API keys in use that will expire soon, at most once a day each.",
    labels: [],
  });
  return {
    used: () => checks.add(1, { outcome: "accepted" }),
    refused: ({ reason }) => checks.add(1, { outcome: reason }),
    changed: ({ change }) => changes.add(1, { change }),
    expiring: () => expiring.add(1, {}),
  };
}

/** Counts for every `ApiKeys` of this process from now on; call the result to stop. */
export function measureApiKeys(meter: Meter): () => void {
  return listen<KeyEvents>(CHANNELS, keyMetrics(meter));
}
