export type { Allowed, Decision, Refused, RuleState } from "./decision.ts";
export { RateLimiterError, type RateLimiterErrorCode } from "./errors.ts";
export {
  type ConsumeOptions,
  createRateLimiter,
  type ManyCall,
  type PeekOptions,
  type RateLimiter,
  type RateLimiterOptions,
  type RulesInput,
  type SyncRateLimiter,
} from "./limiter.ts";
export type { Penalty, PenaltyOptions, Rule, RuleInput, RuleSet } from "./rule.ts";
export type {
  RateLimitStore,
  StoreCall,
  StoreCallOptions,
  StoreFailure,
  StoreReading,
  SyncRateLimitStore,
} from "./store.ts";
export { type MemoryStore, type MemoryStoreOptions, memoryStore } from "./stores/memory.ts";
