export { type CompareOptions, type Comparison, compare, type Side, type Sides } from "./harness-compare.ts";
export { bytesPerKey, type GcPauses, gcPauses } from "./harness-memory.ts";
export { type FreshProcessOptions, freshProcesses, report, type Scripts } from "./harness-process.ts";
export type { Bench, Goal, Peer, Row } from "./harness-row.ts";
export { comparedRows } from "./harness-row.ts";
export { type Summary, summarise } from "./harness-statistics.ts";
