// `pnpm demo`: the real service in this process, driven by real requests; then it stays up until Ctrl-C. The ingestion alone is a
// process of its own, since it is killed: it ends with this one at the latest, so nothing is left behind.

import { hash } from "node:crypto";
import { generateKey, reportAndExit } from "@holdfast/config";
import { Secret } from "@holdfast/core";
import type { Settings } from "./config.ts";
import { freePort } from "./demo/free-port.ts";
import { showIngestion } from "./demo/ingest.ts";
import { showKeys, showUpstream, startUpstream } from "./demo/orders.ts";
import { logLine, say, section, show, title } from "./demo/page.ts";
import { onStarterGone } from "./demo/starter.ts";
import {
  showBrokenEnvironment,
  showConfiguration,
  showDryRun,
  showHealth,
  showMetrics,
  showRateLimit,
  showShutdown,
  showWithoutRedis,
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
const RATE_LIMIT = { limit: 10, window: 60_000 };
await tour({ RATE_LIMIT }, async (service) => {
  await showHealth(service);
  await showRateLimit(service);
  await showMetrics(service);
});
await tour({ RATE_LIMIT, RATE_LIMIT_DRY_RUN: true }, showDryRun);
// Of each demo its own: the service is told a digest of it.
const DEMO_KEY = generateKey();
const nowhere = new Secret(`redis://127.0.0.1:${await freePort()}`);
await tour({ RATE_LIMIT, RATE_LIMIT_REDIS_URL: nowhere }, showWithoutRedis);
const upstream = await startUpstream();
await tour(
  { ORDERS_URL: upstream.origin, API_KEYS: new Secret(`sha256:demo:${hash("sha256", DEMO_KEY)}`) },
  async (service) => {
    await showKeys(service, DEMO_KEY);
    await showUpstream(service, upstream, DEMO_KEY);
  },
);
await upstream.close();
await showIngestion();
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

async function tour(changes: Partial<Settings>, shows: (service: Service) => Promise<void>): Promise<void> {
  const service = await start(changes);
  await shows(service);
  await service.stop();
}

function start(changes: Partial<Settings>): Promise<Service> {
  return startService({ config: { ...config, PORT: 0, ...changes }, logger });
}
