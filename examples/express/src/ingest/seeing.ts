// What whoever is on call sees of the runs: lines in the log, and a health check.

import type { IngestHealth, IngestHooks } from "@holdfast/checkpoint/ingest";
import type { Logger } from "pino";

export function logRuns(logger: Logger): IngestHooks {
  return {
    started: ({ key, resumed, savedAt }) =>
      logger.info({ key, resumed, savedAt: savedAt && new Date(savedAt) }, "run started"),
    batch: ({ key, pages, processed, failed, duplicate, total }) =>
      logger.info({ key, pages, processed, failed, duplicate, written: total.processed }, "page saved"),
    notice: ({ key, kind, ...more }) =>
      logger[kind === "rate-limited" ? "info" : "warn"]({ key, kind, ...more }, "notice"),
    ended: ({ key, how, error, durationMs, total }) =>
      logger[how === "failed" ? "warn" : "info"](
        { key, how, err: error, durationMs: Math.round(durationMs), ...total },
        "run ended",
      ),
  };
}

/** A run that failed is tried again in the next round, which is no reason to end the process; one that hangs is. */
export function checkStreams({ streams }: IngestHealth): "degraded" | undefined {
  const stalled = streams.filter(({ status }) => status === "stalled").map(({ key }) => key);
  if (stalled.length > 0) throw new Error(`stalled: ${stalled.join(", ")}`);
  return streams.some(({ status }) => status === "failed") ? "degraded" : undefined;
}
