// The real application on a loopback socket, with its log and its clock in hand.

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { generateKey, loadConfig, values } from "@holdfast/config";
import { systemClock } from "@holdfast/core";
import { Registry } from "prom-client";
import { onTestFinished } from "vitest";
import { type AppOptions, createApp } from "../src/app.ts";
import { type Settings, schema } from "../src/config.ts";
import { createServiceKeys } from "../src/keys.ts";
import { createLogger } from "../src/logger.ts";
import { meterOf } from "../src/metrics.ts";
import { createOrders } from "../src/orders.ts";
import { createEchoLimiter } from "../src/rate-limit.ts";

export type LogEntry = Readonly<Record<string, unknown>>;

export interface Site {
  readonly url: string;
  readonly server: Server;
  readonly log: readonly LogEntry[];
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Response>;
  post(path: string, body: string, headers?: Readonly<Record<string, string>>): Promise<Response>;
}

interface SiteOptions extends Partial<Omit<AppOptions, "config" | "logger" | "limiter" | "keys" | "orders">> {
  readonly env?: Readonly<Record<string, string>>;
}

export async function settings(env: Readonly<Record<string, string>> = {}): Promise<Settings> {
  return loadConfig(schema, { sources: [values({ LOG_KEY: generateKey(), ...env })] });
}

export async function serve({ env, registry = new Registry(), ...options }: SiteOptions = {}): Promise<Site> {
  const { log, logger } = memoryLog();
  const config = await settings(env);
  const { clock = systemClock } = options;
  const parts = { config, logger, meter: meterOf(registry), clock };
  const { limiter, close } = createEchoLimiter(parts);
  const keys = createServiceKeys(parts);
  const orders = createOrders(parts);
  const app = createApp({ config, logger, registry, limiter, keys, orders, ...options });
  const server = createServer(app).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await Promise.all([close(), keys.close(), orders?.close()]);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    server,
    log,
    get: (path, headers = {}) => fetch(url + path, { headers }),
    post: (path, body, headers = { "content-type": "application/json" }) =>
      fetch(url + path, { method: "POST", body, headers }),
  };
}

export function memoryLog(): { readonly log: LogEntry[]; readonly logger: ReturnType<typeof createLogger> } {
  const log: LogEntry[] = [];
  const logger = createLogger({ write: (line) => void log.push(JSON.parse(line)) });
  logger.level = "debug";
  return { log, logger };
}
