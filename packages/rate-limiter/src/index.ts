export type { ConsumeOptions, PeekOptions, RulesInput } from "./calls.ts";
export type { Allowed, Decision, Degraded, Refusal, Refused, RuleState } from "./decision.ts";
export { RateLimiterError, type RateLimiterErrorCode } from "./errors.ts";
export { CHANNELS, type DecisionEvent, type LimiterEvents, type LimiterHooks } from "./events.ts";
export {
  createRateLimiter,
  type ManyCall,
  type RateLimiter,
  type RateLimiterOptions,
  type SyncRateLimiter,
} from "./limiter.ts";
export type { Penalty, PenaltyOptions, Rule, RuleInput, RuleSet } from "./rule.ts";
export type {
  FailureMode,
  LeaseReading,
  LeaseRequest,
  LeasingStore,
  RateLimitStore,
  StoreCall,
  StoreCallOptions,
  StoreFailure,
  StoreReading,
  SyncRateLimitStore,
} from "./store.ts";
export type { StoreEvent, StoreFailureOptions } from "./store-failure.ts";
export { type LeaseOptions, withLeases } from "./stores/leased.ts";
export { type MemoryStore, type MemoryStoreOptions, memoryStore } from "./stores/memory.ts";
