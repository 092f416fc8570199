import { createManualClock } from "@holdfast/core";
import { Agent } from "undici";
import { describe, expect, it } from "vitest";
import { createHttpClient } from "../src/index.ts";
import { startScriptedServer } from "../src/testing.ts";

type Lookup = (
  hostname: string,
  options: object,
  callback: (error: Error | null, addresses: { address: string; family: number }[]) => void,
) => void;

const QUICK = { baseDelay: 1, factor: 1, budget: false } as const;
const HERE = [{ address: "127.0.0.1", family: 4 }];

function failure(code: string): Error {
  return Object.assign(new Error(`getaddrinfo ${code} api.example.com`), { code, syscall: "getaddrinfo" });
}

describe("a name that is looked up", () => {
  it.each(["EAI_AGAIN", "ENOTFOUND"])("is looked up again after %s, for a POST too: nothing was sent", async (code) => {
    await using server = await startScriptedServer({ body: "ok" });
    let lookups = 0;
    const lookup: Lookup = (_hostname, _options, callback) => {
      if (++lookups < 3) callback(failure(code), []);
      else callback(null, HERE);
    };
    await using dispatcher = agent(lookup);
    const client = createHttpClient({ ...QUICK, dispatcher });
    expect(await client.post(`http://api.example.com:${server.port}`).text()).toBe("ok");
    expect([lookups, server.requests.length]).toEqual([3, 1]);
  });

  it("is given up at the deadline when no answer comes", async () => {
    const clock = createManualClock();
    await using dispatcher = agent(() => {});
    const client = createHttpClient({ ...QUICK, dispatcher, clock, attemptTimeout: "5s", deadline: "12s" });
    const call = client
      .get("http://api.example.com")
      .text()
      .catch((error: unknown) => error);
    await clock.advanceAsync(12_100);
    expect(await call).toMatchObject({ code: "DEADLINE" });
    expect(clock.pendingTimers).toBe(0);
  });
});

function agent(lookup: Lookup): Agent & AsyncDisposable {
  const made = new Agent({ connect: { lookup } as object });
  return Object.assign(made, { [Symbol.asyncDispose]: () => made.destroy() });
}
