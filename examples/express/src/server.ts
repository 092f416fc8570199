// The application on a port: how it starts to listen, and how it stops without losing a request.

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate } from "node:timers/promises";
import { type Clock, sleep, systemClock } from "@holdfast/core";
import type { Logger } from "pino";
import { createApp } from "./app.ts";
import type { Settings } from "./config.ts";
import { trackConnections } from "./connections.ts";
import { createServiceKeys } from "./keys.ts";
import { createRegistry, meterOf } from "./metrics.ts";
import { createOrders } from "./orders.ts";
import { createEchoLimiter } from "./rate-limit.ts";

export interface ServiceOptions {
  readonly config: Settings;
  readonly logger: Logger;
  /** Default: the machine's own. */
  readonly clock?: Clock;
}

export interface Service {
  /** Such as `http://127.0.0.1:3000`. */
  readonly url: string;
  /**
   * Health turns to 503 at once. After SHUTDOWN_DELAY no new connection is taken and idle ones are closed; requests in flight
   * are answered. What is left when SHUTDOWN_TIMEOUT is over, counted from the call, is cut off. Resolves when every socket is
   * closed, to the number of requests cut off. Called again, it gives the same promise.
   */
  stop(): Promise<number>;
}

// A balancer keeps idle connections and may send on one just as it is closed here, which its client sees as a 502. So ours stay
// open longer than its own (60 s on AWS and nginx, for two), also those on which nothing has come yet, which the header timeout
// ends.
const KEEP_ALIVE_MS = 65_000;
const HEADERS_MS = 66_000;
const WHOLE_REQUEST_MS = 120_000;

/** Resolves when the service listens; rejects where it can't, as when the port is taken. */
export async function startService({ config, logger, clock = systemClock }: ServiceOptions): Promise<Service> {
  let stopping: Promise<number> | undefined;
  const registry = createRegistry();
  const parts = { config, logger, meter: meterOf(registry), clock };
  const { limiter, close: closeLimiter } = createEchoLimiter(parts);
  const keys = createServiceKeys(parts);
  const orders = createOrders(parts);
  const app = createApp({
    config,
    logger,
    registry,
    limiter,
    keys,
    orders,
    isStopping: () => stopping !== undefined,
    clock,
  });
  const server = createServer(
    { keepAliveTimeout: KEEP_ALIVE_MS, headersTimeout: HEADERS_MS, requestTimeout: WHOLE_REQUEST_MS },
    app,
  );
  const closeParts = async (): Promise<void> => {
    await Promise.all([closeLimiter(), keys.close(), orders?.close()]);
  };
  const connections = trackConnections(server);
  server.listen(config.PORT, config.HOST);
  await once(server, "listening").catch(async (error: unknown) => {
    await closeParts();
    throw error;
  });

  const stop = async (): Promise<number> => {
    logger.info({ inFlight: connections.inFlight() }, "stopping");
    let lost = 0;
    const cancel = clock.schedule(() => {
      lost = connections.cut();
    }, config.SHUTDOWN_TIMEOUT);
    if (config.SHUTDOWN_DELAY > 0) await sleep(config.SHUTDOWN_DELAY, { clock });
    const closed = once(server, "close");
    server.close();
    connections.closeWhenIdle();
    await closed;
    cancel();
    await closeParts();
    // The log's lines of requests cut off come a turn after their sockets; whoever gets our answer may exit.
    await setImmediate();
    logger[lost === 0 ? "info" : "warn"]({ cutOff: lost }, "stopped");
    return lost;
  };

  const { address, port, family } = server.address() as AddressInfo;
  const url = `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
  logger.info({ url }, "listening");
  return {
    url,
    stop() {
      stopping ??= stop();
      return stopping;
    },
  };
}
