// The Express applications that express-speed.ts measures, in a process of their own: it says what its requests cost it.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createRateLimiter } from "@holdfast/rate-limiter";
import { rateLimit } from "@holdfast/rate-limiter/express";
import express, { type RequestHandler } from "express";
import { rateLimit as expressRateLimit } from "express-rate-limit";
import { BURST, RULE, WINDOW_MS } from "./rule.ts";

/** What it is called in results. */
export const BARE = "two-bare-fields";

const guards: Readonly<Record<string, RequestHandler | undefined>> = {
  none: undefined,
  [BARE]: twoFields(),
  ours: rateLimit({ limiter: createRateLimiter({ rules: RULE }) }),
  "express-rate-limit": expressRateLimit({
    windowMs: WINDOW_MS,
    limit: BURST,
    standardHeaders: "draft-8",
    legacyHeaders: false,
  }),
};

const ports: Record<string, number> = {};
for (const [name, guard] of Object.entries(guards)) ports[name] = await listen(guard);
process.on("message", () => {
  process.send?.(process.cpuUsage());
});
process.on("disconnect", () => process.exit());
process.send?.(ports);

/** The least that a limiter's middleware can do: the same two fields, one of them new each time. */
function twoFields(): RequestHandler {
  let remaining = BURST;
  return (_request, response, next) => {
    response.setHeader("ratelimit-policy", '"1000/1h";q=1000;w=3600');
    response.setHeader("ratelimit", `"1000/1h";r=${--remaining};t=4`);
    next();
  };
}

async function listen(guard: RequestHandler | undefined): Promise<number> {
  const app = express();
  if (guard) app.use(guard);
  app.get("/", (_request, response) => {
    response.end("ok");
  });
  // A connection waits while the others' turns go by.
  const server = createServer({ keepAliveTimeout: 0 }, app);
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return (server.address() as AddressInfo).port;
}
