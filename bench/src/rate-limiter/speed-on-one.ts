import { reportComparisons } from "./pooled.ts";
import { compareAsync, compareSync } from "./speed.ts";

reportComparisons({ sync: await compareSync(1, 300_000), async: await compareAsync(1, 100_000) });
