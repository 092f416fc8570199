export { createApiKeys } from "./create-keys.ts";
export type { Pepper } from "./digest.ts";
export { ApiKeyError, type ApiKeyErrorCode } from "./errors.ts";
export {
  CHANNELS,
  type KeyChangedEvent,
  type KeyEvents,
  type KeyExpiringEvent,
  type KeyHooks,
  type KeyRefusedEvent,
  type KeyUsedEvent,
  type RefusalReason,
  type RequestFacts,
} from "./events.ts";
export type { FailureLimiter, LimiterDecision } from "./failures.ts";
export { createKeyFormat, type KeyFormat, type KeyFormatOptions, type ParsedKey } from "./key-format.ts";
export type { KeyInfo } from "./key-info.ts";
export {
  ANY_ENVIRONMENT,
  DEFAULT_LIST_LIMIT,
  type FindCall,
  type KeyChange,
  type KeyFilter,
  type KeyRecord,
  type KeyStore,
  type StoreCall,
} from "./key-store.ts";
export type {
  ApiKeys,
  ApiKeysOptions,
  CreatedKey,
  RevokeOptions,
  RotatedKey,
  RotateOptions,
} from "./keys.ts";
export type { Grantor, NewKey } from "./new-key.ts";
export { defineRoles, type Roles, STANDARD_ROLES } from "./roles.ts";
export { type ScannerRules, scannerRules } from "./scanner-rules.ts";
export { covers, isHeldScope, isScope, isWithin, type Limits } from "./scopes.ts";
export { type EnvironmentGrant, type EnvironmentKeyStoreOptions, environmentKeyStore } from "./stores/environment.ts";
export { type MemoryKeyStore, type MemoryKeyStoreOptions, memoryKeyStore } from "./stores/memory.ts";
export type { Accepted, Ask, Refusal, Verification, VerifyCall } from "./verification.ts";
