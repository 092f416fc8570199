// The rule of every benchmark: nobody is refused and no bucket is full again meanwhile, so that every call finds, counts and writes.

import type { RuleInput } from "@holdfast/rate-limiter";

export const BURST = 1_000_000_000;
export const LIMIT = 1000;
export const WINDOW_MS = 3_600_000;
export const RULE: RuleInput = { limit: LIMIT, window: WINDOW_MS, burst: BURST };
