import type { IncomingMessage, ServerResponse } from "node:http";
import { type Site, serve } from "@holdfast/testing";
import { afterEach, describe, expect, it } from "vitest";
import { type NodeOptions, rateLimit } from "../src/http/node.ts";
import { createRateLimiter } from "../src/index.ts";

let site: Site | undefined;
afterEach(() => site?.[Symbol.asyncDispose]());

async function start(options: Partial<NodeOptions<IncomingMessage, ServerResponse>> = {}) {
  const limiter = createRateLimiter({ rules: "2/minute" });
  site = await serve(rateLimit({ limiter, ...options }, (request, response) => response.end(request.url)));
  const { url } = site;
  return (path = "/echo") => fetch(`${url}${path}`);
}

describe("the node:http face", () => {
  it("lets requests pass with their quota, then answers 429", async () => {
    const get = await start();
    const first = await get();
    expect([first.status, await first.text(), first.headers.get("ratelimit")]).toEqual([
      200,
      "/echo",
      '"2/1m";r=1;t=30',
    ]);
    await get();
    const third = await get();
    expect([third.status, third.headers.get("retry-after")]).toEqual([429, "30"]);
    expect(await third.json()).toMatchObject({ status: 429, "violated-policies": ["2/1m"] });
  });

  it("sends older fields when told to", async () => {
    const get = await start({ fields: "draft-6" });
    expect((await get()).headers.get("ratelimit-remaining")).toBe("1");
  });

  it("answers 500 for what an option throws, or leaves it to the caller", async () => {
    const cost = () => {
      throw new Error("boom");
    };
    expect((await (await start({ cost }))()).status).toBe(500);
    await site?.[Symbol.asyncDispose]();
    const get = await start({ cost, onError: (error, _request, response) => response.end(String(error)) });
    expect(await (await get()).text()).toBe("Error: boom");
  });
});
