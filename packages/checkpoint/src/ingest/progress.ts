// How runs go, for whoever looks at a terminal.

import { type Clock, type Duration, parseDuration, systemClock } from "@holdfast/core";
import type { IngestBatchEvent, IngestEndedEvent, IngestHooks } from "./events.ts";

/** `process.stderr`, or any other stream of text. */
export interface ProgressStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

export interface ProgressOptions {
  readonly stream: ProgressStream;
  /** How often a run's line is written, at most. Default 100 ms on a terminal, else 10 s. The last one always is. */
  readonly every?: Duration | undefined;
  readonly clock?: Clock | undefined;
}

/**
 * Hooks that write a line a run, over itself on a terminal: `orders  1,200 written, 3 failed, 240/s, 12 s behind`. Standard output is better left to
 * what the program says.
 *
 * @example
 * await ingest({ ..., on: joinHooks(watch.on, showProgress({ stream: process.stderr })) });
 */
export function showProgress({ stream, every, clock = systemClock }: ProgressOptions): Required<IngestHooks> {
  const isTerminal = stream.isTTY === true;
  const everyMs = parseDuration(every ?? (isTerminal ? 100 : 10_000));
  const runs = new Map<string, { readonly startedAt: number; writtenAt: number }>();
  // The run whose line the cursor stands on.
  let open: string | undefined;

  function write(key: string, text: string, isLast: boolean): void {
    if (!isTerminal) {
      stream.write(`${text}\n`);
      return;
    }
    const before = open === undefined || open === key ? "" : "\n";
    const line = text.slice(0, (stream.columns ?? 80) - 1);
    stream.write(`${before}\r\u001b[2K${line}${isLast ? "\n" : ""}`);
    open = isLast ? undefined : key;
  }

  return {
    started({ key }) {
      runs.set(key, { startedAt: clock.monotonic(), writtenAt: Number.NEGATIVE_INFINITY });
    },
    batch(event) {
      const run = runs.get(event.key);
      const now = clock.monotonic();
      if (run === undefined || now - run.writtenAt < everyMs) return;
      run.writtenAt = now;
      write(event.key, batchText(event, now - run.startedAt), false);
    },
    notice(event) {
      if (event.kind === "rate-limited" && event.waitMs === 0) return;
      const what = event.kind === "rate-limited" ? `waited ${seconds(event.waitMs)} after a 429` : event.kind;
      write(event.key, `${printable(event.key)}  ${what}`, true);
    },
    ended(event) {
      runs.delete(event.key);
      write(event.key, endText(event), true);
    },
  };
}

function batchText({ key, total, lagMs, remaining }: IngestBatchEvent, tookMs: number): string {
  const rate = tookMs > 0 ? [`${amount(Math.round((total.processed / tookMs) * 1000))}/s`] : [];
  const lag = lagMs === undefined ? [] : [`${seconds(lagMs)} behind`];
  const left = remaining === undefined ? [] : [`${amount(remaining)} to come`];
  return `${printable(key)}  ${[...countsOf(total), ...rate, ...left, ...lag].join(", ")}`;
}

function endText({ key, how, total, durationMs, error }: IngestEndedEvent): string {
  const why = how === "failed" ? `: ${printable(String((error as Error | undefined)?.message ?? error))}` : "";
  return `${printable(key)}  ${countsOf(total).join(", ")} in ${seconds(durationMs)}, ${how}${why}`;
}

function countsOf({ processed, ...others }: IngestBatchEvent["total"]): string[] {
  const some = Object.entries(others).filter(([, count]) => count > 0);
  return [`${amount(processed)} written`, ...some.map(([what, count]) => `${amount(count)} ${what}`)];
}

function amount(count: number): string {
  return count.toLocaleString("en");
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(Math.abs(ms) < 10_000 ? 1 : 0)} s`;
}

/** Keys and messages are others' text, which could move the terminal's cursor. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, "?");
}
