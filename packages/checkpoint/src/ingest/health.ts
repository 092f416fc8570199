// Whether streams move, for a health check.

import { type Clock, type Duration, parseDuration, systemClock } from "@holdfast/core";
import type { IngestHooks } from "./events.ts";

export interface StreamHealth {
  readonly key: string;
  /** `stalled`: it runs, and has not finished a batch for too long. `failed`: its last run did. */
  readonly status: "running" | "idle" | "stalled" | "failed";
  /** Since it last began, wrote or ended. */
  readonly silentMs: number;
  /** How old its checkpoint is; undefined where there is none yet. */
  readonly checkpointAgeMs: number | undefined;
}

export interface IngestHealth {
  readonly ok: boolean;
  readonly streams: readonly StreamHealth[];
}

export interface IngestWatch {
  /** For `ingest`'s `on`. One watch may have any number of streams. */
  readonly on: Required<IngestHooks>;
  health(): IngestHealth;
}

export interface IngestWatchOptions {
  /** How long a running stream may be silent: longer than the slowest page takes, with its retries. */
  readonly stalledAfter: Duration;
  readonly clock?: Clock | undefined;
}

/**
 * @example
 * const watch = watchIngest({ stalledAfter: "5m" });
 * void ingest({ ..., on: watch.on });
 * app.get("/health", (_, response) => response.status(watch.health().ok ? 200 : 503).json(watch.health()));
 */
export function watchIngest({ stalledAfter, clock = systemClock }: IngestWatchOptions): IngestWatch {
  const limitMs = parseDuration(stalledAfter);
  const last = new Map<string, Last>();
  const note = (key: string, status: Last["status"], savedAt = last.get(key)?.savedAt): void => {
    last.set(key, { at: clock.monotonic(), status, savedAt });
  };
  return {
    on: {
      started: ({ key, savedAt }) => note(key, "running", savedAt),
      batch: ({ key, savedAt }) => note(key, "running", savedAt),
      // A page that is waited for has not come.
      notice() {},
      ended: ({ key, how }) => note(key, how === "failed" ? "failed" : "idle"),
    },
    health() {
      const now = clock.monotonic();
      const streams = [...last].map(([key, { at, status, savedAt }]): StreamHealth => {
        const silentMs = now - at;
        const isStalled = status === "running" && silentMs > limitMs;
        const checkpointAgeMs = savedAt === undefined ? undefined : clock.now() - savedAt;
        return { key, status: isStalled ? "stalled" : status, silentMs, checkpointAgeMs };
      });
      return { ok: streams.every(({ status }) => status === "running" || status === "idle"), streams };
    },
  };
}

interface Last {
  readonly at: number;
  readonly status: "running" | "idle" | "failed";
  readonly savedAt: number | undefined;
}
