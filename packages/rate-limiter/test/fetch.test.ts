import { describe, expect, it } from "vitest";
import { byAddress, type FetchOptions, rateLimit } from "../src/http/fetch.ts";
import { createRateLimiter } from "../src/index.ts";

const makeHandler = (options: Partial<FetchOptions<Request>> = {}) =>
  rateLimit<Request, [string?]>(
    { limiter: createRateLimiter({ rules: "2/minute" }), ...options },
    (request, suffix = "") => new Response(`${new URL(request.url).pathname}${suffix}`, { headers: { "x-own": "1" } }),
  );
const get = (headers: Record<string, string> = {}) => new Request("https://example.com/echo", { headers });

describe("the fetch face", () => {
  it("adds the fields to the handler's own response and hands on what the platform passes", async () => {
    const response = await makeHandler()(get(), "!");
    expect([response.status, await response.text(), response.headers.get("x-own")]).toEqual([200, "/echo!", "1"]);
    expect(response.headers.get("ratelimit")).toBe('"2/1m";r=1;t=30');
  });

  it("adds them to a response whose headers can't be changed", async () => {
    const redirect = rateLimit({ limiter: createRateLimiter({ rules: "2/minute" }) }, () =>
      Response.redirect("https://example.com/", 302),
    );
    expect((await redirect(get())).headers.get("ratelimit")).toBe('"2/1m";r=1;t=30');
  });

  it("answers one too many itself, by the address that the platform tells", async () => {
    const handler = makeHandler({ address: (request) => request.headers.get("x-socket") ?? undefined });
    for (const socket of ["192.0.2.1", "192.0.2.2"]) {
      await handler(get({ "x-socket": socket }));
      expect((await handler(get({ "x-socket": `::ffff:${socket}` }))).status).toBe(200);
      const refused = await handler(get({ "x-socket": socket }));
      expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "30"]);
    }
  });

  it("lets the caller answer, and skip", async () => {
    const handler = makeHandler({
      key: byAddress(),
      skip: (view) => view.header("x-skip") === "yes",
      onRefused: ({ outcome }) => new Response(outcome, { status: 420 }),
    });
    await handler(get());
    await handler(get());
    expect(await (await handler(get())).text()).toBe("refused");
    expect((await handler(get({ "x-skip": "yes" }))).headers.has("ratelimit")).toBe(false);
  });

  it("rejects with what an option throws", async () => {
    await expect(makeHandler({ cost: () => -1 })(get())).rejects.toMatchObject({ code: "INVALID_COST" });
  });
});
