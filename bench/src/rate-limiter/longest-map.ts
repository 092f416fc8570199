import { reportLongest } from "./fill.ts";
import { createMap } from "./limiters.ts";

reportLongest(createMap);
