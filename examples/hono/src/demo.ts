// `pnpm demo:embed`: the dashboards' service and a portal, on two sites of this machine, until Ctrl-C. Open the portal in a browser.

import { hash } from "node:crypto";
import { generateKey, loadConfig, reportAndExit, values } from "@holdfast/config";
import { createHttpClient } from "@holdfast/http-retry";
import { pino } from "pino";
import { schema } from "./config.ts";
import { listen } from "./listen.ts";
import { createPortal } from "./portal.ts";
import { bundled } from "./scripts.ts";
import { startService } from "./server.ts";

const [DASHBOARDS_PORT, PORTAL_PORT] = [
  Number(process.env["PORT"] || 3100),
  Number(process.env["PORTAL_PORT"] || 3200),
];
// Two names of this machine, which to a browser are two sites.
const dashboards = `http://localhost:${DASHBOARDS_PORT}`;
const origin = `http://127.0.0.1:${PORTAL_PORT}`;

const apiKey = generateKey();
const config = await loadConfig(schema, {
  sources: [
    values({
      PORT: String(DASHBOARDS_PORT),
      PUBLIC_URL: dashboards,
      LOG_LEVEL: "warn",
      EMBED_ENABLED: "true",
      EMBED_KEY: generateKey(),
      // The service knows no more of the portal's key than this.
      API_KEYS: `sha256:portal:${hash("sha256", apiKey)}`,
    }),
  ],
}).catch(reportAndExit);

const service = await startService(config, pino({ level: config.LOG_LEVEL }));
const http = createHttpClient({ deadline: "5s" });
const script = await bundled("portal.ts");
const app = createPortal({
  origin,
  dashboards: `http://127.0.0.1:${service.port}`,
  publicDashboards: dashboards,
  apiKey,
  http,
  script,
});
const portal = await listen((request) => app.fetch(request), PORTAL_PORT, "127.0.0.1");

console.log(`A portal with a dashboard of another site in it: ${origin}

In another terminal, ten scenarios against it, which use up the key's limit for a minute:

    EMBED_API_KEY=${apiKey} pnpm smoke ${dashboards} --dashboard sales

Ctrl-C stops both.`);

const stop = async (): Promise<void> => {
  await Promise.all([service.close(), portal.close(), http.close()]);
};
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void stop());
