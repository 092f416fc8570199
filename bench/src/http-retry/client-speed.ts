// The client beside the library that it stands on, and nothing else in the process. A script of its own.

import { reportComparisons } from "../rate-limiter/pooled.ts";
import { ALONE, compareRequests, TOGETHER } from "./microseconds.ts";
import { startKeepAliveServer } from "./server.ts";
import { ours, undiciRequest } from "./sides.ts";

using server = await startKeepAliveServer();
const sides = { ours: ours(server.url), undici: undiciRequest(server.url) };
reportComparisons({
  alone: await compareRequests(sides, ALONE),
  together: await compareRequests(sides, TOGETHER),
});
process.exit();
