// The process that is measured: one Express 5 application for each way to guard a route, each on a port of its own.

import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createRateLimiter } from "@holdfast/rate-limiter";
import { rateLimit } from "@holdfast/rate-limiter/express";
import express, { type RequestHandler } from "express";
import { rateLimit as expressRateLimit } from "express-rate-limit";
import { processorMs } from "../processor-time.ts";
import { BURST, RULE, WINDOW_MS } from "./rule.ts";

const guards: Readonly<Record<string, RequestHandler | undefined>> = {
  none: undefined,
  bare: twoFields(),
  ours: rateLimit({ limiter: createRateLimiter({ rules: RULE }) }),
  "express-rate-limit": expressRateLimit({
    windowMs: WINDOW_MS,
    limit: BURST,
    standardHeaders: "draft-8",
    legacyHeaders: false,
  }),
};

/** The least that a limiter's middleware can do: the same two fields, one of them new each time. */
function twoFields(): RequestHandler {
  let remaining = BURST;
  return (_request, response, next) => {
    response.setHeader("ratelimit-policy", '"1000/1h";q=1000;w=3600');
    response.setHeader("ratelimit", `"1000/1h";r=${--remaining};t=4`);
    next();
  };
}

const ports: Record<string, number> = {};
for (const [name, guard] of Object.entries(guards)) {
  const app = express();
  if (guard) app.use(guard);
  app.get("/", (_request, response) => {
    response.end("ok");
  });
  const server = await new Promise<Server>((resolve) => {
    const listening = app.listen(0, "127.0.0.1", () => resolve(listening));
  });
  ports[name] = (server.address() as AddressInfo).port;
}
process.send?.(ports);

// Asked before and after each turn. What one turn left to the collector is not the next one's.
process.on("message", () => {
  globalThis.gc?.();
  process.send?.(processorMs());
});
process.on("disconnect", () => process.exit());
