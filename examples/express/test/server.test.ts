import { once } from "node:events";
import { Agent, get as httpGet } from "node:http";
import { connect } from "node:net";
import { createManualClock, type ManualClock } from "@holdfast/core";
import { describe, expect, it, onTestFinished } from "vitest";
import { sendHalf } from "../src/demo/half-sent.ts";
import { type Service, startService } from "../src/server.ts";
import { type LogEntry, memoryLog, settings } from "./site.ts";

interface Running extends Service {
  readonly clock: ManualClock;
  readonly log: readonly LogEntry[];
}

async function start(env: Readonly<Record<string, string>> = {}): Promise<Running> {
  const clock = createManualClock();
  const { log, logger } = memoryLog();
  const service = await startService({ config: { ...(await settings(env)), PORT: 0 }, logger, clock });
  onTestFinished(async () => {
    const stopped = service.stop();
    await clock.advanceAsync(3_600_000);
    await stopped;
  });
  return { ...service, clock, log };
}

describe("a stop", () => {
  it("answers the request in flight, closes its connection and takes no new one", async () => {
    const { url, stop, clock } = await start();
    const half = await sendHalf(`${url}/api/echo`, '{"in":"flight"}');
    const stopped = stop();
    await expect(fetch(`${url}/api/health`)).rejects.toThrow();
    const { status, connection, body } = await half.finish();
    expect({ status, connection, body: JSON.parse(body).body }).toEqual({
      status: 200,
      connection: "close",
      body: { in: "flight" },
    });
    expect(await stopped).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  it("closes idle connections at once, kept alive or never used", async () => {
    const { url, stop } = await start();
    const agent = new Agent({ keepAlive: true });
    const [response] = await once(httpGet(`${url}/api/echo`, { agent }), "response");
    response.resume();
    await once(agent, "free");
    const unused = connect(Number(new URL(url).port), "127.0.0.1");
    await once(unused, "connect");
    const gone = once(unused.resume(), "close");
    expect(await stop()).toBe(0);
    await gone;
  });

  it("cuts off what is left when SHUTDOWN_TIMEOUT is over, and says how much", async () => {
    const { url, stop, clock, log } = await start({ SHUTDOWN_TIMEOUT: "10s" });
    const half = await sendHalf(`${url}/api/echo`, '{"never":"whole"}');
    const stopped = stop();
    await clock.advanceAsync(9999);
    expect(log.some(({ msg }) => msg === "stopped")).toBe(false);
    await clock.advanceAsync(1);
    expect(await stopped).toBe(1);
    await expect(half.finish()).rejects.toThrow();
    expect(log.slice(-2)).toMatchObject([
      { msg: "request", status: "aborted" },
      { level: "warn", msg: "stopped", cutOff: 1 },
    ]);
  });

  it("goes on to answer for SHUTDOWN_DELAY, with health at 503", async () => {
    const { url, stop, clock } = await start({ SHUTDOWN_DELAY: "5s" });
    const stopped = stop();
    const health = await fetch(`${url}/api/health`);
    expect(health.status).toBe(503);
    expect(await health.json()).toMatchObject({ status: "stopping" });
    expect((await fetch(`${url}/api/echo`)).status).toBe(200);
    await clock.advanceAsync(5000);
    expect(await stopped).toBe(0);
    await expect(fetch(`${url}/api/echo`)).rejects.toThrow();
  });

  it("is one, however often it is asked for", async () => {
    const { stop, log } = await start();
    expect(stop()).toBe(stop());
    await stop();
    expect(log.filter(({ msg }) => msg === "stopping")).toHaveLength(1);
  });
});

describe("a start", () => {
  it("rejects where the port is taken", async () => {
    const { url } = await start();
    const config = { ...(await settings()), PORT: Number(new URL(url).port) };
    await expect(startService({ config, logger: memoryLog().logger })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
});
