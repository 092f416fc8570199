import { reportComparisons } from "./pooled.ts";
import { compareAsync, compareSync } from "./speed.ts";

const KEYS = 100_000;

reportComparisons({ sync: await compareSync(KEYS, 100_000), async: await compareAsync(KEYS, 50_000) });
