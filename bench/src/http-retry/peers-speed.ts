// The client beside others. A script of its own.

import { reportComparisons } from "../rate-limiter/pooled.ts";
import { ALONE, compareRequests, TOGETHER } from "./microseconds.ts";
import { startKeepAliveServer } from "./server.ts";
import { axiosJson, gotJson, kyJson, ours, undiciFetch } from "./sides.ts";

using server = await startKeepAliveServer();
const { url } = server;
const sides = {
  ours: ours(url),
  undici: undiciFetch(url),
  got: gotJson(url),
  ky: kyJson(url),
  "axios-retry": axiosJson(url),
};
reportComparisons({
  alone: await compareRequests(sides, { ...ALONE, rounds: 5 }),
  together: await compareRequests(sides, { ...TOGETHER, rounds: 5, calls: 2000 }),
});
process.exit();
