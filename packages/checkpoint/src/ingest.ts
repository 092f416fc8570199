export type { DeadLetter, Page, Sink, Source, SourceCall, SourceNotice, Write, WriteCall } from "./ingest/contract.ts";
export {
  type Counts,
  INGEST_CHANNELS,
  type IngestBatchEvent,
  type IngestEndedEvent,
  type IngestEvents,
  type IngestHooks,
  type IngestNoticeEvent,
  type IngestStartedEvent,
  joinHooks,
} from "./ingest/events.ts";
export {
  type IngestHealth,
  type IngestWatch,
  type IngestWatchOptions,
  type StreamHealth,
  watchIngest,
} from "./ingest/health.ts";
export { type ProgressOptions, type ProgressStream, showProgress } from "./ingest/progress.ts";
export { type IngestOptions, type IngestResult, ingest } from "./ingest/run.ts";
export { type JsonLinesOptions, type JsonLinesSink, openJsonLines } from "./ingest/sinks/json-lines.ts";
export { type MemorySink, memorySink } from "./ingest/sinks/memory.ts";
export {
  type PostgresConnection,
  type PostgresPool,
  type PostgresSinkOptions,
  postgresSink,
} from "./ingest/sinks/postgres.ts";
export { type SqliteSinkOptions, sqliteSink } from "./ingest/sinks/sqlite.ts";
export {
  type AscendingCursor,
  type AscendingSourceOptions,
  ascendingSource,
  type TimeValues,
} from "./ingest/sources/ascending.ts";
export { type Get, type HttpSourceOptions, parseJson, type SourceResponse } from "./ingest/sources/http.ts";
export { type LinkCursor, type LinkSourceOptions, linkSource } from "./ingest/sources/link.ts";
export { type OffsetCursor, type OffsetSourceOptions, offsetSource } from "./ingest/sources/offset.ts";
export { type SinceIdCursor, type SinceIdSourceOptions, sinceIdSource } from "./ingest/sources/since-id.ts";
export { type TokenCursor, type TokenSourceOptions, tokenSource } from "./ingest/sources/token.ts";
export { ingestAll, type StreamCall, type StreamsOptions } from "./ingest/streams.ts";
export type { Tolerance } from "./ingest/tolerance.ts";
