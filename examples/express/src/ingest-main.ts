// The ingestion as a process of its own: configuration, start, end.

import { loadConfig, reportAndExit } from "@holdfast/config";
import { options, schema } from "./ingest/config.ts";
import { startIngestService } from "./ingest/service.ts";
import { createLogger } from "./logger.ts";
import { exitOnCrash, exitOnSignals } from "./process.ts";

const logger = createLogger();
exitOnCrash(logger);

const config = await loadConfig(schema, { ...options, logger }).catch(reportAndExit);
logger.level = config.LOG_LEVEL;
logger.info({ config: config.explain() }, "configuration");

const starting = startIngestService({ config, logger });
exitOnSignals(starting, logger);
if (config.INGEST_ONCE) {
  const service = await starting;
  const wentWell = await service.done;
  await service.stop();
  process.exit(wentWell ? 0 : 1);
}
