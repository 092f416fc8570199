// Who takes part.

import type { Entry } from "./matrix-ask.ts";
import { ours } from "./matrix-ours.ts";
import { peers } from "./matrix-peers.ts";

export const entries: readonly Entry[] = [...ours, ...peers];
