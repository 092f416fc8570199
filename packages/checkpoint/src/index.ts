export type {
  CheckpointStore,
  Condition,
  Entry,
  Listed,
  Outcome,
  Recovered,
  SavedVersion,
  StoreCall,
  SyncCheckpointStore,
} from "./checkpoint-store.ts";
export {
  type Checkpoints,
  type CheckpointsOptions,
  type CoalesceOptions,
  createCheckpoints,
  type RewindOptions,
  type SyncCheckpoints,
  type WithLeaseOptions,
} from "./checkpoints.ts";
export type { Coalesced } from "./coalesced.ts";
export { CheckpointError, type CheckpointErrorCode } from "./errors.ts";
export {
  CHANNELS,
  type CheckpointEvents,
  type CheckpointHooks,
  type ConflictEvent,
  type LeaseEvent,
  type RecoveredEvent,
  type SavedEvent,
} from "./events.ts";
export type { Lease } from "./lease.ts";
export type { Loaded, OldValue } from "./loading.ts";
export type { SaveOptions } from "./saving.ts";
export type { Migrations } from "./stored-value.ts";
export { memoryStore } from "./stores/memory.ts";
