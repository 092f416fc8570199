// `pnpm demo`: the real service in this process, driven by real requests; then it stays up until Ctrl-C. Nothing but this
// process is started, so nothing is left behind.

import { generateKey, reportAndExit } from "@holdfast/config";
import type { Settings } from "./config.ts";
import { freePort } from "./demo/free-port.ts";
import { logLine, say, section, show, title } from "./demo/page.ts";
import { onStarterGone } from "./demo/starter.ts";
import {
  showBrokenEnvironment,
  showConfiguration,
  showHealth,
  showMetrics,
  showRateLimit,
  showShutdown,
} from "./demo/tour.ts";
import { createLogger } from "./logger.ts";
import { exitOnCrash, exitOnSignals } from "./process.ts";
import { type Service, startService } from "./server.ts";

const leave = (): never => process.exit(0);
process.on("SIGTERM", leave).on("SIGINT", leave);
// Whoever read this has gone: `pnpm demo | head`.
process.stdout.on("error", leave);
onStarterGone(() => process.kill(process.pid, "SIGTERM"));

let staysUp = false;
const logger = createLogger({ write: (line) => staysUp && console.log(logLine(line)) });
exitOnCrash(createLogger());

title("Holdfast, first light: a service that starts, serves, refuses and stops as it should.");

const config = await showConfiguration({
  PORT: process.env["PORT"] || String(await freePort()),
  LOG_KEY: generateKey(),
  RATE_LIMIT: "60/minute",
  TRUSTED_PROXIES: "10.0.0.0/8",
}).catch(reportAndExit);

await showBrokenEnvironment();

// On ports of their own, so that the one that stays up has its whole rate limit left.
const toured = await start({ RATE_LIMIT: { limit: 10, window: 60_000 } });
await showHealth(toured);
await showRateLimit(toured);
await showMetrics(toured);
await toured.stop();
await showShutdown(await start({ SHUTDOWN_DELAY: 300 }));

section("Up");
process.off("SIGTERM", leave).off("SIGINT", leave);
const starting = startService({ config, logger });
exitOnSignals(starting, logger);
const service = await starting;
say("The service has started afresh and stays up:");
show(service.url);
say("Try, in another terminal:");
show(
  [
    `curl -i ${service.url}/api/health`,
    `curl -i ${service.url}/api/echo?hello=world`,
    `curl -i ${service.url}/api/echo --json '{"hello":"world"}'`,
    `curl ${service.url}/api/metrics -H 'Accept: text/plain'`,
  ].join("\n"),
);
say("Ctrl-C stops it. Its log, in short:");
staysUp = true;

function start(changes: Partial<Settings>): Promise<Service> {
  return startService({ config: { ...config, PORT: 0, ...changes }, logger });
}
