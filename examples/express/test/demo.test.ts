import { existsSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "@holdfast/testing";
import { describe, expect, it } from "vitest";
import { startFile, startNode } from "./child.ts";

describe("the demo", { timeout: 60_000 }, () => {
  it("shows what the service does, stays up, and leaves nothing behind", async () => {
    const port = String(await freePort());
    const { line, stdout, stderr, kill, ended, pid } = startFile("demo.ts", { env: { PORT: port } });
    expect((await line(/^ *http:/)).trim()).toBe(`http://127.0.0.1:${port}`);
    await line(/Ctrl-C stops it/);
    const text = stdout.join("\n");
    expect(text).toContain("Configuration is not valid: 4 problems");
    expect(text).toContain("15 echo requests in a row: 10 allowed, 5 refused.");
    for (const field of ["RateLimit-Policy", "RateLimit", "Retry-After"])
      expect(text).toMatch(new RegExp(`^ +${field}: `, "m"));
    expect(text).toContain('holdfast_rate_limiter_decisions_total{limiter="echo",outcome="refused",dry_run="false"} 5');
    expect(text).toContain("15 echo requests in a row: 15 allowed, 0 refused.");
    expect(text).toContain('holdfast_rate_limiter_decisions_total{limiter="echo",outcome="refused",dry_run="true"} 5');
    expect(text).toMatch(/The first waited \d+ ms for Redis; none of the others took more than \d+ ms\./);
    expect(text).toContain('Health answers 200, "degraded"');
    expect(text).toMatch(/GET \/api\/orders\/7 without a key +401 {2}Bearer realm="api"/);
    expect(text).toMatch(/with the key in the URL +400/);
    expect(text).toMatch(/with the key +200/);
    expect(text).toContain("Our one request is answered 200, by 3 of its own:");
    expect(text).toMatch(/we answer 503 at once,\n +with Retry-After: 1(?:19|20),/);
    const accounts = text.match(
      /^ +(?:ada|grace) +305 posts: +299 written, 6 withheld and put aside, 0 missing, 0 doubled$/gm,
    );
    expect(accounts).toHaveLength(2);
    expect(text).toContain('Health answers 503, "stopping"');
    expect(text).toContain("requests cut off: 0");

    const health = await fetch(`http://127.0.0.1:${port}/api/health`);
    expect(health.status).toBe(200);
    const echo = await fetch(`http://127.0.0.1:${port}/api/echo`);
    expect(echo.headers.get("ratelimit")).toMatch(/^"60\/1m";r=59/);
    await line(/GET \/api\/echo {2}200/);

    kill("SIGTERM");
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
    await expect(fetch(`http://127.0.0.1:${port}/api/health`)).rejects.toThrow();
    expect(stderr).toEqual([]);
  });

  it("writes plain text of at most 100 columns where nobody watches, and no secret", async () => {
    const { line, stdout, kill, ended } = startFile("demo.ts");
    await line(/Ctrl-C stops it/);
    kill("SIGINT");
    expect((await ended).code).toBe(0);
    expect(stdout.filter((text) => text.length > 100)).toEqual([]);
    expect(stdout.join("\n")).toMatch(/^[\x20-\x7e\n]+$/);
    expect(stdout.join("\n")).not.toContain("hunter2");
  });

  it("ends in order when it is told to in the middle", async () => {
    const { line, kill, ended } = startFile("demo.ts");
    await line(/^1 {2}Configuration/);
    kill("SIGTERM");
    expect(await ended).toEqual({ code: 0, signal: null });
  });

  it("ends when its reader goes away", async () => {
    const { line, hangUp, exited } = startFile("demo.ts");
    await line(/^1 {2}Configuration/);
    hangUp();
    expect(await exited).toEqual({ code: 0, signal: null });
  });

  it.runIf(existsSync("/proc/self/cmdline"))("ends when the npx that it came by is gone", async () => {
    const demo = JSON.stringify(join(import.meta.dirname, "../src/demo.ts"));
    const npx = `process.title = "npm exec"; require("node:child_process").spawn(process.execPath, [${demo}], { stdio: "inherit" })`;
    const { line, kill, ended } = startNode(["--eval", npx]);
    await line(/Ctrl-C stops it/);
    kill("SIGKILL");
    // Only now does the last process that holds the output end.
    expect(await ended).toMatchObject({ signal: "SIGKILL" });
  });
});
