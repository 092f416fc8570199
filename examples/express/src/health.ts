// Whether the service can do its work: named checks, run side by side, none of which can keep the answer waiting.

import type { Clock, Logger } from "@holdfast/core";

/**
 * Fails by throwing; resolves to `"degraded"` where the service goes on without. It should end when the signal aborts; the
 * answer does not wait for it either way.
 */
export type Check = (signal: AbortSignal) => unknown;

/** What the public may know of a check. Why it failed goes to the log: a driver's message can hold a connection string. */
export interface CheckState {
  readonly status: "ok" | "degraded" | "failed" | "timed out";
  readonly durationMs: number;
}

export interface HealthOptions {
  readonly checks: Readonly<Record<string, Check>>;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Makes the function that runs all checks. Who asks while they run is told their outcome: a hanging check never piles up. */
export function createHealth(options: HealthOptions): () => Promise<Readonly<Record<string, CheckState>>> {
  let running: Promise<Readonly<Record<string, CheckState>>> | undefined;
  return () => {
    running ??= runAll(options).finally(() => {
      running = undefined;
    });
    return running;
  };
}

async function runAll(options: HealthOptions): Promise<Readonly<Record<string, CheckState>>> {
  const named = Object.entries(options.checks);
  const states = await Promise.all(named.map(([name, check]) => run(name, check, options)));
  return Object.fromEntries(named.map(([name], index) => [name, states[index] as CheckState]));
}

async function run(name: string, check: Check, { timeoutMs, clock, logger }: HealthOptions): Promise<CheckState> {
  const started = clock.monotonic();
  const deadline = new AbortController();
  const late = new Promise<never>((_, reject) => {
    deadline.signal.addEventListener("abort", () => reject(deadline.signal.reason), { once: true });
  });
  const cancel = clock.schedule(() => deadline.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  let status: CheckState["status"] = "ok";
  try {
    if ((await Promise.race([check(deadline.signal), late])) === "degraded") status = "degraded";
  } catch (error) {
    status = deadline.signal.aborted ? "timed out" : "failed";
    logger.warn({ check: name, err: error }, "health check failed");
  } finally {
    cancel();
  }
  return { status, durationMs: Math.round(clock.monotonic() - started) };
}
