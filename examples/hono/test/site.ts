// The real application and portal on loopback sockets.

import { generateKey, loadConfig, values } from "@holdfast/config";
import { systemClock } from "@holdfast/core";
import { createHttpClient } from "@holdfast/http-retry";
import type { Hono } from "hono";
import { pino } from "pino";
import { onTestFinished } from "vitest";
import { createApp } from "../src/app.ts";
import { type Settings, schema } from "../src/config.ts";
import { listen } from "../src/listen.ts";
import { createPortal } from "../src/portal.ts";
import { bundled } from "../src/scripts.ts";
import { openSharedState } from "../src/shared-state.ts";

export const API_KEY: string = generateKey();
export const PORTAL = "https://portal.example.org";

export function settings(env: Readonly<Record<string, string>> = {}): Promise<Settings> {
  const all = { EMBED_ENABLED: "true", EMBED_KEY: generateKey(), API_KEYS: API_KEY, ...env };
  return loadConfig(schema, { sources: [values(all)] });
}

/** One instance of the service, without a port. */
export async function instance(config: Settings): Promise<Hono> {
  const logger = pino({ level: "silent" });
  const state = openSharedState(config, logger, systemClock);
  onTestFinished(() => state.close());
  return createApp({ config, logger, state, script: await bundled("dashboard.ts") });
}

export async function askForToken(
  app: Hono,
  grant: Readonly<Record<string, unknown>> = {},
  headers: Readonly<Record<string, string>> = { "x-api-key": API_KEY },
): Promise<Response> {
  return await app.request("/api/embed/token", {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({
      subject: "visitor-7",
      dashboard: "sales",
      origins: [PORTAL],
      filters: { region: "eu" },
      ...grant,
    }),
  });
}

/** As the dashboard's page does. */
export async function openSession(app: Hono, config: Settings, token: string): Promise<Response> {
  return await app.request("/embed/session", {
    method: "POST",
    headers: { "content-type": "application/json", origin: new URL(config.PUBLIC_URL).origin },
    body: JSON.stringify({ token, origin: PORTAL, frame: crypto.randomUUID().replaceAll("-", "") }),
  });
}

/** The dashboards' site and a portal's, each under a name of its own, and the portal's page. */
export async function sites(): Promise<{ readonly portal: string }> {
  let service: Hono | undefined;
  const dashboards = await listen((request) => (service as Hono).fetch(request), 0, "127.0.0.1");
  const publicUrl = `http://dashboards.localhost:${dashboards.port}`;
  service = await instance(await settings({ PUBLIC_URL: publicUrl }));

  let host: Hono | undefined;
  const portal = await listen((request) => (host as Hono).fetch(request), 0, "127.0.0.1");
  const origin = `http://portal.localhost:${portal.port}`;
  const http = createHttpClient({ deadline: "5s" });
  host = createPortal({
    origin,
    dashboards: `http://127.0.0.1:${dashboards.port}`,
    publicDashboards: publicUrl,
    apiKey: API_KEY,
    http,
    script: await bundled("portal.ts"),
  });
  onTestFinished(async () => {
    await Promise.all([dashboards.close(), portal.close(), http.close()]);
  });
  return { portal: origin };
}
