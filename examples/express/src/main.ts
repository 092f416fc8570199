// The service as a process: configuration, start, end.

import { loadConfig, reportAndExit } from "@holdfast/config";
import { options, schema } from "./config.ts";
import { createLogger } from "./logger.ts";
import { exitOnCrash, exitOnSignals } from "./process.ts";
import { startService } from "./server.ts";

const logger = createLogger();
exitOnCrash(logger);

const config = await loadConfig(schema, { ...options, logger }).catch(reportAndExit);
logger.level = config.LOG_LEVEL;
logger.info({ config: config.explain() }, "configuration");

exitOnSignals(startService({ config, logger }), logger);
