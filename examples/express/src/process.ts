// How the process ends: in order when it is asked to, at once when it is asked twice or does not know its own state any more.

import type { Logger } from "pino";
import type { Service } from "./server.ts";

// A terminal and `timeout` signal a whole process group, and npm and pnpm pass on what they get: one signal comes twice.
const ECHO_MS = 500;

/**
 * SIGTERM or SIGINT stops the service and exits with 0, or with 1 where requests were cut off. A second one exits at once.
 * Takes a service that is still starting, so that no signal comes too early.
 */
export function exitOnSignals(starting: Promise<Service>, logger: Logger): void {
  let first: { readonly signal: NodeJS.Signals; readonly at: number } | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (signal === first?.signal && performance.now() - first.at < ECHO_MS) return;
    logger.info({ signal, forced: first !== undefined }, "signal");
    if (first) process.exit(1);
    first = { signal, at: performance.now() };
    starting.then((service) => service.stop()).then((lost) => process.exit(lost === 0 ? 0 : 1));
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
}

/** An error that nobody caught is logged and ends the process with 1. `origin` tells a rejection from a throw. */
export function exitOnCrash(logger: Logger): void {
  process.on("uncaughtException", (error, origin) => {
    logger.fatal({ err: error, origin }, "crashed");
    process.exit(1);
  });
}
