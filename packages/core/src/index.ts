export { type Clock, createManualClock, type ManualClock, systemClock } from "./clock.ts";
export { type CoreErrorCode, HoldfastError } from "./errors.ts";
export { type Logger, silentLogger } from "./logger.ts";
export { Secret } from "./secret.ts";
export { type SleepOptions, sleep } from "./sleep.ts";
export type { OutputOf, SchemaIssue, SchemaResult, StandardSchemaV1 } from "./standard-schema.ts";
export {
  type Bytes,
  type Duration,
  type ParsedRate,
  parseBytes,
  parseDuration,
  parseRate,
  type Rate,
} from "./units.ts";
export { unlessAborted } from "./unless-aborted.ts";
