export type { SchemaIssue, StandardSchemaV1 } from "@holdfast/core";
export type { BodyInput, MadeBody } from "./body/body-of.ts";
export type { BodyStream } from "./body/byte-source.ts";
export type { HttpCall } from "./client/call.ts";
export { createHttpClient, type DownloadToOptions, type HttpClient, type Verb } from "./client/client.ts";
export type { Download } from "./client/download.ts";
export type { DownloadProgress, FileDownload } from "./client/download-file.ts";
export type { FetchLike } from "./client/fetch.ts";
export type { CallOptions, HeaderFields, HttpClientOptions } from "./client/options.ts";
export type { HttpResponse } from "./client/response.ts";
export { HttpRetryError, type HttpRetryErrorCode, type KeptResponse } from "./errors.ts";
export {
  type AttemptAttributes,
  type AttemptEvent,
  type BreakerEvent,
  type BudgetEvent,
  CHANNELS,
  type GiveUpEvent,
  type HttpHooks,
  type RequestFacts,
  type RetryEvent,
} from "./events.ts";
export type { AttemptRecord, GiveUpReason } from "./outcome.ts";
export type { Jitter } from "./policy/backoff.ts";
export type {
  BreakerOptions,
  BudgetOptions,
  CallPolicyOptions,
  ConcurrencyOptions,
  HedgeOptions,
  PolicyOptions,
} from "./policy/options.ts";
export { type RetryAttempt, type RetryNotice, type RetryOptions, retry } from "./retry.ts";
