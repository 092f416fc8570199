import { reportFill } from "./fill.ts";
import { createMap } from "./limiters.ts";

await reportFill(createMap);
