import { Agent, get } from "node:http";
import { serve } from "@holdfast/testing";
import express from "express";
import { describe, expect, it } from "vitest";
import { byAddress, type MiddlewareOptions, rateLimit } from "../src/http/express.ts";
import { createRateLimiter } from "../src/index.ts";

type Key = MiddlewareOptions<express.Request, express.Response>["key"];
type Headers = Readonly<Record<string, string>>;

/** Sends a request with each of the headers, and counts the statuses by what `groupOf` makes of them. */
async function send(key: Key, requests: readonly Headers[], groupOf: (headers: Headers) => string) {
  const app = express();
  // What Express believes is its own business: here, everything.
  app.set("trust proxy", true);
  const limiter = createRateLimiter({ rules: "100/day" });
  app.use(rateLimit({ limiter, key }), (_request, response) => void response.end());
  await using site = await serve(app);
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const statusOf = (headers: Headers) =>
    new Promise<number>((resolve, reject) => {
      const request = get(site.url, { agent, headers }, (response) => {
        response.resume().on("end", () => resolve(response.statusCode ?? 0));
      });
      request.on("error", reject);
    });
  const counts: Record<string, { passed: number; refused: number }> = {};
  await Promise.all(
    requests.map(async (headers) => {
      const status = await statusOf(headers);
      counts[groupOf(headers)] ??= { passed: 0, refused: 0 };
      const count = counts[groupOf(headers)]!;
      if (status === 200) count.passed++;
      else if (status === 429) count.refused++;
    }),
  );
  agent.destroy();
  return counts;
}

/** Another for each number, as an attacker would make them up. */
const address = (n: number): string => `203.${n >> 16}.${(n >> 8) & 255}.${n & 255}`;

describe("forwarding headers that clients make up", { timeout: 60_000 }, () => {
  it("make of one address no second client, in ten thousand requests", async () => {
    const requests = Array.from({ length: 10_000 }, (_, n) => ({
      "x-forwarded-for": `${address(n)}, ${address(n + 1)}`,
      forwarded: `for=${address(n)}`,
      "x-real-ip": address(n),
      "cf-connecting-ip": address(n),
      "true-client-ip": address(n),
    }));
    expect(await send(byAddress(), requests, () => "all")).toEqual({ all: { passed: 100, refused: 9900 } });
  });

  it("move nobody's requests to another's bucket behind a trusted proxy", async () => {
    const clients = ["192.0.2.1", "192.0.2.2", "2001:db8::1"];
    const requests = Array.from({ length: 3000 }, (_, n) => {
      const client = clients[n % clients.length];
      return { client: `${client}`, "x-forwarded-for": `${address(n)}, ${clients[(n + 1) % 3]}, ${client}` };
    });
    const expected = Object.fromEntries(clients.map((client) => [client, { passed: 100, refused: 900 }]));
    for (const trustedProxies of [1, ["loopback"]]) {
      expect(await send(byAddress({ trustedProxies }), requests, ({ client }) => client!)).toEqual(expected);
    }
  });
});
