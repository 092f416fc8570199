import { MockAgent, request, fetch as undiciFetch } from "undici";
import { describe, expect, it } from "vitest";
import { createHttpClient } from "../src/index.ts";
import { retry } from "../src/interceptor.ts";

const ORIGIN = "https://api.example.com";
const QUICK = { baseDelay: 1, factor: 1 } as const;

function mock() {
  const agent = new MockAgent();
  agent.disableNetConnect();
  return { agent, pool: agent.get(ORIGIN) };
}

describe("undici's MockAgent", () => {
  it("stands behind a client", async () => {
    const { agent, pool } = mock();
    pool.intercept({ path: "/users/7" }).reply(503, "down").times(2);
    pool.intercept({ path: "/users/7" }).reply(200, { name: "Ada" });
    const client = createHttpClient({ ...QUICK, baseUrl: ORIGIN, dispatcher: agent });
    expect(await client.get("users/7").json()).toEqual({ name: "Ada" });
    agent.assertNoPendingInterceptors();
    await agent.close();
  });

  it("sees the whole body of each attempt", async () => {
    const { agent, pool } = mock();
    const bodies: unknown[] = [];
    const see = ({ body }: { body?: unknown }): string => {
      bodies.push(body);
      return "";
    };
    pool.intercept({ path: "/users/7", method: "PUT" }).reply(503, see);
    pool.intercept({ path: "/users/7", method: "PUT" }).reply(200, see);
    const client = createHttpClient({ ...QUICK, baseUrl: ORIGIN, dispatcher: agent });
    await client.put("users/7", { json: { name: "Ada" } });
    expect(bodies).toEqual(['{"name":"Ada"}', '{"name":"Ada"}']);
    await agent.close();
  });

  it("stands behind a client's fetch", async () => {
    const { agent, pool } = mock();
    pool.intercept({ path: "/" }).reply(503, "down");
    pool.intercept({ path: "/" }).reply(200, "up");
    const client = createHttpClient({ ...QUICK, dispatcher: agent });
    expect(await (await client.fetch(ORIGIN)).text()).toBe("up");
    await agent.close();
  });

  it.each([
    ["undici.request", async (dispatcher: MockAgent) => (await request(ORIGIN, { dispatcher })).body.text()],
    ["undici.fetch", async (dispatcher: MockAgent) => (await undiciFetch(ORIGIN, { dispatcher })).text()],
  ])("stands behind the interceptor, for %s", async (_, ask) => {
    const { agent, pool } = mock();
    pool.intercept({ path: "/" }).reply(503, "down");
    pool.intercept({ path: "/" }).reply(200, "up");
    expect(await ask(agent.compose(retry(QUICK)) as unknown as MockAgent)).toBe("up");
    await agent.close();
  });

  it("may answer with an error, which is tried again and in the end told", async () => {
    const { agent, pool } = mock();
    const broken = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
    pool.intercept({ path: "/" }).replyWithError(broken).times(3);
    const client = createHttpClient({ ...QUICK, retries: 2, dispatcher: agent });
    const error = await client
      .get(ORIGIN)
      .text()
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "NETWORK", cause: broken });
    expect((error as { attempts: unknown[] }).attempts).toHaveLength(3);
    agent.assertNoPendingInterceptors();
    await agent.close();
  });
});
