export type {
  CheckpointStore,
  Condition,
  Entry,
  Listed,
  Outcome,
  SavedVersion,
  StoreCall,
} from "./checkpoint-store.ts";
export {
  type Checkpoints,
  type CheckpointsOptions,
  type CoalesceOptions,
  createCheckpoints,
  type Loaded,
  type OldValue,
  type RewindOptions,
  type SaveOptions,
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
export type { Migrations } from "./stored-value.ts";
export { memoryStore } from "./stores/memory.ts";
