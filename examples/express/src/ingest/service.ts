// The ingestion with its port: how it starts, and how it stops without losing a page. Any number of instances may run; each account is one's at a
// time, and the others wait for it.

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { joinHooks, watchIngest } from "@holdfast/checkpoint/ingest";
import { checkpointMetrics, ingestMetrics } from "@holdfast/checkpoint/metrics";
import { type Clock, systemClock } from "@holdfast/core";
import type { Logger } from "pino";
import { createRegistry, meterOf } from "../metrics.ts";
import type { Service } from "../server.ts";
import { createIngestApp } from "./app.ts";
import type { IngestSettings } from "./config.ts";
import { runRounds } from "./rounds.ts";
import { logRuns } from "./seeing.ts";
import { openStorage } from "./storage.ts";
import { createTimelineClient } from "./timeline.ts";

export interface IngestServiceOptions {
  readonly config: IngestSettings;
  readonly logger: Logger;
  /** Default: the machine's own. */
  readonly clock?: Clock;
}

/** Its `stop` lets the pages at hand be written, for as long as SHUTDOWN_TIMEOUT; it resolves to how many accounts were cut off. */
export interface IngestService extends Service {
  /** With INGEST_ONCE, when its round is over; else once it is stopped. Resolves to whether the last round went well. */
  readonly done: Promise<boolean>;
}

// Longer than a page takes with all its retries.
const STALLED_AFTER = "5m";

/** Resolves when it listens and has begun; rejects where it can't, as when the port is taken or the database away. */
export async function startIngestService(options: IngestServiceOptions): Promise<IngestService> {
  const { config, logger, clock = systemClock } = options;
  const registry = createRegistry();
  const meter = meterOf(registry);
  const watch = watchIngest({ stalledAfter: STALLED_AFTER, clock });
  const storage = await openStorage(config, { on: checkpointMetrics(meter), logger });
  const client = createTimelineClient(meter, clock);
  const closeParts = async (): Promise<void> => {
    await Promise.all([client.close(), storage.close()]);
  };
  const [stopping, cutting] = [new AbortController(), new AbortController()];
  const { signal: stop } = stopping;

  const app = createIngestApp({ watch, registry, isStopping: () => stop.aborted, logger, clock });
  const server = createServer(app).listen(config.PORT, config.HOST);
  await once(server, "listening").catch(async (error: unknown) => {
    await closeParts();
    throw error;
  });
  const { address, port, family } = server.address() as AddressInfo;
  const url = `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
  logger.info({ url }, "listening");

  const on = joinHooks(watch.on, ingestMetrics(meter), logRuns(logger));
  const working = runRounds({ config, client, storage, on, clock, stop, signal: cutting.signal });
  let stopped: Promise<number> | undefined;

  async function end(): Promise<number> {
    stopping.abort();
    const cancel = clock.schedule(() => cutting.abort(new Error("SHUTDOWN_TIMEOUT is over")), config.SHUTDOWN_TIMEOUT);
    const failed = await working.finally(cancel);
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await Promise.all([closed, closeParts()]);
    logger.info("stopped");
    return cutting.signal.aborted ? failed : 0;
  }

  return {
    url,
    done: working.then((failed) => failed === 0),
    stop() {
      stopped ??= end();
      return stopped;
    },
  };
}
