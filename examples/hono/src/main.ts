// The service as a process: configuration, start, end.

import { envFile, loadConfig, processEnv, reportAndExit } from "@holdfast/config";
import { pino } from "pino";
import { schema } from "./config.ts";
import { startService } from "./server.ts";

const sources = [processEnv(), envFile(".env", { optional: true })];
const config = await loadConfig(schema, { sources }).catch(reportAndExit);
const logger = pino({ level: config.LOG_LEVEL });
logger.info({ config: config.explain() }, "configuration");

const service = await startService(config, logger);
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void service.close());
