// What a middleware adds to a request of Express 5. The requests and responses are node:http's own, handed to the application
// without a network under them: there, the few microseconds in question would drown. A script of its own.

import { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { createRateLimiter } from "@holdfast/rate-limiter";
import { rateLimit } from "@holdfast/rate-limiter/express";
import express, { type Express, type RequestHandler } from "express";
import { rateLimit as expressRateLimit } from "express-rate-limit";
import { contrast, takeTurns } from "../harness-compare.ts";
import { processorMs } from "../processor-time.ts";
import { reportComparisons } from "./pooled.ts";
import { BURST, RULE, WINDOW_MS } from "./rule.ts";

// A client's connection that is kept alive and takes whatever is written.
const socket = Object.assign(new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() }), {
  remoteAddress: "203.0.113.7",
}) as unknown as Socket;

/** What it is called in results. */
const BARE = "two-bare-fields";
const ROUNDS = 9;
const REQUESTS = 5_000;

const applications = {
  none: application(),
  [BARE]: application(twoFields()),
  ours: application(rateLimit({ limiter: createRateLimiter({ rules: RULE }) })),
  "express-rate-limit": application(
    expressRateLimit({ windowMs: WINDOW_MS, limit: BURST, standardHeaders: "draft-8", legacyHeaders: false }),
  ),
};

const rounds: Record<string, number>[] = [];
for (let round = 0; round <= ROUNDS; round++) {
  const { none = 0, ...guarded } = await takeTurns(applications, microsecondsOf, Math.random);
  const added = Object.entries(guarded).map(([name, microseconds]) => [name, microseconds - none]);
  // The first round warms everything up.
  if (round > 0) rounds.push(Object.fromEntries(added));
}
reportComparisons({ added: contrast(rounds) });

/** The least that a limiter's middleware can do: the same two fields, one of them new each time. */
function twoFields(): RequestHandler {
  let remaining = BURST;
  return (_request, response, next) => {
    response.setHeader("ratelimit-policy", '"1000/1h";q=1000;w=3600');
    response.setHeader("ratelimit", `"1000/1h";r=${--remaining};t=4`);
    next();
  };
}

function application(guard?: RequestHandler): Express {
  const app = express();
  if (guard) app.use(guard);
  app.get("/", (_request, response) => {
    response.end("ok");
  });
  return app;
}

/** Of processor time, for one request. */
async function microsecondsOf(app: Express): Promise<number> {
  globalThis.gc?.();
  const start = processorMs();
  for (let request = 0; request < REQUESTS; request++) await answer(app);
  return ((processorMs() - start) * 1000) / REQUESTS;
}

function answer(app: Express): Promise<void> {
  return new Promise((resolve) => {
    const request = new IncomingMessage(socket);
    Object.assign(request, { method: "GET", url: "/", httpVersionMajor: 1, httpVersionMinor: 1, httpVersion: "1.1" });
    request.headers = { host: "localhost" };
    const response = new ServerResponse(request);
    response.assignSocket(socket);
    response.on("finish", () => {
      response.detachSocket(socket);
      resolve();
    });
    app(request, response);
  });
}
