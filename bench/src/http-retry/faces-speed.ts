// The other two ways in, each beside what it is put around. A script of its own.

import { reportComparisons } from "../rate-limiter/pooled.ts";
import { compareRequests, TOGETHER } from "./microseconds.ts";
import { startKeepAliveServer } from "./server.ts";
import { ourFetch, ourInterceptor, undiciFetch, undiciRequest } from "./sides.ts";

using server = await startKeepAliveServer();
const { url } = server;
reportComparisons({
  interceptor: await compareRequests({ ours: ourInterceptor(url), undici: undiciRequest(url) }, TOGETHER),
  fetch: await compareRequests({ ours: ourFetch(url), undici: undiciFetch(url) }, { ...TOGETHER, calls: 4000 }),
});
process.exit();
