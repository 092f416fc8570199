export type { SchemaIssue, SchemaResult, StandardSchemaV1 } from "@holdfast/core";
export type { EmbedGrant, Filters, FilterValue } from "./claims.ts";
export { createEmbedTokens } from "./create-tokens.ts";
export { EmbedTokenError, type EmbedTokenErrorCode } from "./errors.ts";
export {
  CHANNELS,
  type RefusalReason,
  type RequestFacts,
  type RevocationKind,
  type TokenAcceptedEvent,
  type TokenEvents,
  type TokenFacts,
  type TokenHooks,
  type TokenIssuedEvent,
  type TokenKind,
  type TokenRefusedEvent,
  type TokenRequestedEvent,
  type TokensRevokedEvent,
} from "./events.ts";
export {
  createEmbedding,
  type Embedding,
  type EmbeddingOptions,
  type ExchangeCall,
  type IssuedEmbed,
  type OpenedSession,
  type SessionCall,
} from "./http/embedding.ts";
export type { EmbedKey } from "./keys.ts";
export { isAmong, isOrigin, isOriginPattern } from "./origin.ts";
export { type MemoryTokenStore, type MemoryTokenStoreOptions, memoryTokenStore } from "./stores/memory.ts";
export type { MarkStore, Revocation, RevocationStore, StoreCall, TokenStore } from "./token-store.ts";
export type {
  EmbedTokens,
  EmbedTokensOptions,
  IssuedToken,
  NewGrant,
  RevocationTarget,
  RevokeCall,
} from "./tokens.ts";
export type { Accepted, PublicAnswer, Refusal, Verification, VerifyCall } from "./verification.ts";
