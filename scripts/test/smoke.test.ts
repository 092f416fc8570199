import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { createManualClock } from "../../packages/core/src/index.ts";
import { createEmbedding, type EmbeddingOptions } from "../../packages/embed-token/src/http/embedding.ts";
import {
  byAdminToken,
  embedEndpoint,
  embedExchange,
  embedPage,
  type Middleware,
} from "../../packages/embed-token/src/http/express.ts";
import { memoryTokenStore } from "../../packages/embed-token/src/index.ts";
import { runScenarios } from "../smoke/run.ts";
import { createService } from "../smoke/service.ts";

type Request = IncomingMessage & { readonly originalUrl: string };

interface Broken extends Partial<EmbeddingOptions> {
  readonly limit?: number;
  readonly isFramedByAnybody?: boolean;
  readonly isCounted?: boolean;
}

/** A service as the guide says to make one, but for what is broken, and the scenarios against it. */
async function smoke({
  limit = 10,
  isFramedByAnybody = false,
  isCounted = true,
  ...options
}: Broken = {}): Promise<Record<string, string>> {
  const clock = createManualClock(Date.now());
  const counts = new Map<string, number>();
  const embedding = createEmbedding({
    keys: [{ id: "k1", key: crypto.getRandomValues(new Uint8Array(32)) }],
    issuer: "https://app.invalid",
    audience: "dashboards",
    once: memoryTokenStore({ clock }),
    clock,
    ...options,
  });
  let asked = 0;
  const server = createServer((request, response) => {
    const route = routes.find(([path]) => request.url?.startsWith(path))?.[1] ?? notFound;
    route(Object.assign(request, { originalUrl: request.url ?? "" }), response, () => response.end("the page"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const page = embedPage<Request>({ embedding, dashboard: "smoke" });
  const routes: readonly (readonly [string, Middleware<Request>])[] = [
    [
      "/api/embed/token",
      embedEndpoint({
        embedding,
        authorise: byAdminToken(async (token) => (token === "admin" ? { subject: "ann" } : undefined)),
        page: `${url}/embed/page/:dashboard`,
        limiter: { consume: async () => ({ allowed: ++asked <= limit, retryAfterMs: 1000 }) },
        on: { requested: ({ outcome }) => counts.set(outcome, (counts.get(outcome) ?? 0) + 1) },
      }),
    ],
    ["/embed/session", embedExchange({ embedding, origin: url })],
    ["/embed/page/", isFramedByAnybody ? (_request, response) => response.end("the page") : page],
    ["/metrics", (_, response) => response.end(isCounted ? [...counts].map(metric).join("") : "")],
  ];
  const service = createService({
    url,
    credentials: { authorization: "Bearer admin" },
    dashboard: "smoke",
    toleranceMs: 5000,
    endpoint: "/api/embed/token",
    exchange: "/embed/session",
    metrics: "/metrics",
    wait: async (ms) => clock.advance(ms),
  });
  const results = await runScenarios(service, () => {});
  return Object.fromEntries(results.map(({ name, problem }) => [name.split(":")[0], problem ?? "ok"]));
}

function metric([outcome, count]: readonly [string, number]): string {
  return `holdfast_embed_token_requests_total{outcome="${outcome}"} ${count}\n`;
}

const notFound: Middleware<Request> = (_, response) => {
  response.statusCode = 404;
  response.end("");
};

const WELL = Object.fromEntries(
  ["auth", "validation", "token", "page", "origins", "replay", "expiry", "uniqueness", "metrics", "limit"].map(
    (name) => [name, "ok"],
  ),
);

describe("the smoke test", () => {
  it("passes a service that is made as the guide says, in ten scenarios", async () => {
    expect(await smoke()).toEqual(WELL);
  });

  it.each<[string, Broken, Record<string, string>]>([
    ["takes tokens more than once", { once: undefined }, { replay: "the same once more is 200, not 401" }],
    ["limits nobody", { limit: Number.POSITIVE_INFINITY }, { limit: "200 tokens in a row, and no end" }],
    [
      "lets anybody frame it",
      { isFramedByAnybody: true },
      { page: expect.stringContaining("its policy is undefined") },
    ],
    ["counts nothing", { isCounted: false }, { metrics: expect.stringContaining("has no outcome") }],
    ["takes tokens for longer than they say", { tolerance: "30s" }, { expiry: "the exchange is 200, not 401" }],
  ])("fails a service that %s, and says so", async (_, broken, problems) => {
    expect(await smoke(broken)).toEqual({ ...WELL, ...problems });
  });
});
