// What the demo shows of a running service, each part by real requests.

import { loadConfig, values } from "@holdfast/config";
import { type Logger, silentLogger } from "@holdfast/core";
import { options, type Settings, schema } from "../config.ts";
import type { Service } from "../server.ts";
import { sendHalf } from "./half-sent.ts";
import { say, section, show } from "./page.ts";

interface Warning {
  readonly variable: string;
  readonly message: string;
}

/** The configuration as the service logs it at its start, warnings and all. */
export async function showConfiguration(environment: Readonly<Record<string, string>>): Promise<Settings> {
  section("Configuration");
  const warnings: Warning[] = [];
  const logger: Logger = {
    ...silentLogger,
    warn: (fields: { readonly warnings?: readonly Warning[] }) => warnings.push(...(fields.warnings ?? [])),
  };
  const config = await loadConfig(schema, { ...options, sources: [values(environment, "demo")], logger });
  say("Every value and where it came from:");
  show(config.explain().toString());
  for (const { variable, message } of warnings) say(`Warning: ${variable} ${message}.`);
  return config;
}

// As such things happen: a letter in a number, a range that is none, a unit forgotten, half of a key pasted.
const BROKEN = {
  PORT: "80a",
  LOG_KEY: "hunter2-and-not-much-more",
  TRUSTED_PROXIES: "10.0.0.0/8, everyone",
  SHUTDOWN_TIMEOUT: "30",
} as const;

export async function showBrokenEnvironment(): Promise<void> {
  section("A broken environment");
  say("In production, four values wrong. The service would exit with 78 before it listens, and say:");
  const load = loadConfig(schema, { ...options, sources: [values(BROKEN, "environment")], production: true });
  const report = await load.then(
    () => "(nothing is wrong)",
    (error: Error) => error.message,
  );
  show(report);
  const kept = !report.includes(BROKEN.LOG_KEY);
  say(kept ? "LOG_KEY was set, and mistyped. What it was set to is not said." : "LOG_KEY has been printed!");
}

export async function showHealth({ url }: Service): Promise<void> {
  section("Health");
  const response = await fetch(`${url}/api/health`);
  say(`GET /api/health answers ${response.status}:`);
  show(JSON.stringify(await response.json(), null, 2));
}

export async function showRateLimit({ url }: Service): Promise<void> {
  section("Rate limit");
  const { allowed, refused } = await echoInARow(url);
  say("The last that was allowed:");
  await showAnswer(allowed.at(-1));
  say("The last that was refused:");
  await showAnswer(refused.at(-1));
}

export async function showDryRun({ url }: Service): Promise<void> {
  section("Dry run");
  say("With RATE_LIMIT_DRY_RUN the limit only counts, so that it can be tried on real traffic.");
  await echoInARow(url);
  say("What it would have done:");
  await showCounts(url, /^holdfast_rate_limiter_decisions_total/);
}

export async function showWithoutRedis({ url }: Service): Promise<void> {
  section("Redis away");
  say("RATE_LIMIT_REDIS_URL names a server that is not there, so this instance limits by itself.");
  const { tookMs } = await echoInARow(url);
  const [first = 0, ...others] = tookMs.map(Math.round);
  say(`The first waited ${first} ms for Redis; none of the others took more than ${Math.max(...others)} ms.`);
  const health = await fetch(`${url}/api/health`);
  const { status } = (await health.json()) as { readonly status: string };
  say(`Health answers ${health.status}, "${status}".`);
}

async function echoInARow(url: string) {
  const answers: Response[] = [];
  const tookMs: number[] = [];
  for (let sent = 0; sent < 15; sent++) {
    const started = performance.now();
    answers.push(await fetch(`${url}/api/echo?n=${sent + 1}`));
    tookMs.push(performance.now() - started);
  }
  const allowed = answers.filter(({ status }) => status === 200);
  const refused = answers.filter(({ status }) => status === 429);
  say(`${answers.length} echo requests in a row: ${allowed.length} allowed, ${refused.length} refused.`);
  return { allowed, refused, tookMs };
}

async function showAnswer(response: Response | undefined): Promise<void> {
  if (!response) return show("(there was none)");
  const names = ["RateLimit-Policy", "RateLimit", "Retry-After", "Content-Type"];
  const fields = names
    .filter((name) => response.headers.has(name))
    .map((name) => `${name}: ${response.headers.get(name)}`);
  const body = JSON.stringify(await response.json(), null, 2);
  show([`HTTP ${response.status}`, ...fields, "", body].join("\n"));
}

export async function showMetrics({ url }: Service): Promise<void> {
  section("Metrics");
  say('GET /api/metrics answers in JSON, and to "Accept: text/plain" as Prometheus reads it. Of that:');
  await showCounts(
    url,
    /^(?:http_requests_total|holdfast_rate_limiter_decisions_total|http_request_duration_seconds_count|process_resident)/,
  );
}

async function showCounts(url: string, chosen: RegExp): Promise<void> {
  const response = await fetch(`${url}/api/metrics`, { headers: { accept: "text/plain" } });
  const lines = (await response.text()).split("\n");
  show(lines.filter((line) => chosen.test(line)).join("\n"));
}

export async function showShutdown(service: Service): Promise<void> {
  section("Shutdown");
  const half = await sendHalf(`${service.url}/api/echo`, '{"sent":"in two halves"}');
  say("A request is in flight, half of its body sent. Now the service is told to stop.");
  const stopped = service.stop();
  const health = await fetch(`${service.url}/api/health`);
  const { status } = (await health.json()) as { readonly status: string };
  say(`Health answers ${health.status}, "${status}", so that a load balancer sends nothing more.`);
  const answer = await half.finish();
  say(`The other half is sent and the request is answered with ${answer.status}.`);
  say(`The service has stopped; requests cut off: ${await stopped}.`);
  const again = await fetch(service.url).then(
    (response) => `is answered with ${response.status}`,
    () => "is refused",
  );
  say(`A new connection ${again}.`);
}
