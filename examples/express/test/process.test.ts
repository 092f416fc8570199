import { once } from "node:events";
import { connect } from "node:net";
import { pathToFileURL } from "node:url";
import { generateKey } from "@holdfast/config";
import { freePort } from "@holdfast/testing";
import { describe, expect, it, onTestFinished } from "vitest";
import { sendHalf } from "../src/demo/half-sent.ts";
import { type Child, startFile, startNode } from "./child.ts";

// Each test starts a process or two, on machines that have other work too.
const UNHURRIED = { timeout: 30_000 };
// Where the test's own time is up before the service's.
const PATIENT = { SHUTDOWN_TIMEOUT: "1h" };

async function startMain(env: Readonly<Record<string, string>> = {}): Promise<Child & { readonly url: string }> {
  const child = startFile("main.ts", { env: { PORT: String(await freePort()), ...env } });
  const { url } = JSON.parse(await child.line(/"listening"/)) as { readonly url: string };
  return { ...child, url };
}

const entries = (lines: readonly string[]): Record<string, unknown>[] => lines.map((line) => JSON.parse(line));

describe("the process", UNHURRIED, () => {
  it.each(["SIGTERM", "SIGINT"] as const)(
    "answers what is in flight on %s, refuses what is new, and exits with 0",
    async (signal) => {
      const { url, kill, line, ended } = await startMain(PATIENT);
      // Before the request that is known to be taken up, so that this one is too: if not, it would be reset at the stop.
      const idle = connect(Number(new URL(url).port), "127.0.0.1");
      onTestFinished(() => void idle.destroy());
      await once(idle, "connect");
      const half = await sendHalf(`${url}/api/echo`, '{"in":"flight"}');
      kill(signal);
      await line(/"stopping"/);
      await expect(fetch(`${url}/api/health`)).rejects.toThrow();
      expect((await half.finish()).status).toBe(200);
      expect(await ended).toEqual({ code: 0, signal: null });
    },
  );

  it("takes the same signal twice in a row for one", async () => {
    // The process sends itself the second one: from here it might come too late on a busy machine.
    const again = "process.once('SIGTERM',()=>process.kill(process.pid,'SIGTERM'))";
    const env = { ...PATIENT, NODE_OPTIONS: `--import=data:text/javascript,${again}` };
    const { url, kill, line, ended } = await startMain(env);
    const half = await sendHalf(`${url}/api/echo`, '{"in":"flight"}');
    kill("SIGTERM");
    await line(/"stopping"/);
    expect((await half.finish()).status).toBe(200);
    expect((await ended).code).toBe(0);
  });

  it("exits at once with 1 on a second signal", async () => {
    const { url, kill, line, ended } = await startMain(PATIENT);
    const half = await sendHalf(`${url}/api/echo`, '{"never":"whole"}');
    kill("SIGTERM");
    await line(/"stopping"/);
    kill("SIGINT");
    expect((await ended).code).toBe(1);
    await expect(half.finish()).rejects.toThrow();
  });

  it("exits with 1 where SHUTDOWN_TIMEOUT cut a request off", async () => {
    const { url, kill, ended, stdout } = await startMain({ SHUTDOWN_TIMEOUT: "100ms" });
    const half = await sendHalf(`${url}/api/echo`, '{"never":"whole"}');
    kill("SIGTERM");
    expect((await ended).code).toBe(1);
    await expect(half.finish()).rejects.toThrow();
    expect(entries(stdout).at(-1)).toMatchObject({ msg: "stopped", cutOff: 1 });
  });

  it("ends in order though nobody reads its log any more", async () => {
    const { kill, hangUp, exited } = await startMain();
    hangUp();
    kill("SIGTERM");
    expect(await exited).toEqual({ code: 0, signal: null });
  });

  it.each([
    ["throws", "setImmediate(() => { throw new Error('lost') })", "uncaughtException"],
    ["rejects", "Promise.reject(new Error('lost'))", "unhandledRejection"],
  ])("logs what %s uncaught, and exits with 1", async (_, code, origin) => {
    const at = (file: string): string => pathToFileURL(`${import.meta.dirname}/../src/${file}`).href;
    const script = `import { createLogger } from "${at("logger.ts")}"; import { exitOnCrash } from "${at("process.ts")}";
      exitOnCrash(createLogger()); ${code}; setInterval(() => {}, 1000);`;
    const { ended, stdout } = startNode(["--input-type=module", "--eval", script]);
    expect((await ended).code).toBe(1);
    expect(entries(stdout)).toMatchObject([{ level: "fatal", msg: "crashed", origin, err: { message: "lost" } }]);
  });
});

describe("the start", UNHURRIED, () => {
  it("exits with 78 where the configuration is wrong, says all that is, and no value", async () => {
    const { ended, stdout, stderr } = startFile("main.ts", {
      env: { PORT: "80a", LOG_KEY: "hunter2-is-not-a-key", SHUTDOWN_DELAY: "20s", SHUTDOWN_TIMEOUT: "10s" },
    });
    expect((await ended).code).toBe(78);
    const [report] = entries(stderr) as [{ problems: { variable: string; kind: string }[] }];
    expect(report.problems.map(({ variable, kind }) => `${variable} ${kind}`)).toEqual([
      "PORT invalid",
      "LOG_KEY invalid",
      "SHUTDOWN_DELAY rule",
    ]);
    expect([...stdout, ...stderr].join("\n")).not.toMatch(/hunter2|80a/);
  });

  it("wants a key of its own in production", async () => {
    const { ended, stderr } = startFile("main.ts", { env: { NODE_ENV: "production" } });
    expect((await ended).code).toBe(78);
    expect(stderr.join("\n")).toContain("LOG_KEY");
  });

  it("logs where each value came from, with no secret in it, and warns of what should be set", async () => {
    const key = generateKey();
    const PORT = String(await freePort());
    const child = startFile("main.ts", { env: { PORT }, envFile: `LOG_KEY=${key}\nRATE_LIMIT=5/second\n` });
    await child.line(/"listening"/);
    const [warning, explanation] = entries(child.stdout) as [
      Record<string, unknown>,
      { config: { variables: unknown } },
    ];
    expect(warning).toMatchObject({ level: "warn", warnings: [{ variable: "PUBLIC_URL" }] });
    expect(explanation.config.variables).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: "PORT", value: PORT, origin: "process.env" }),
        expect.objectContaining({ name: "LOG_KEY", value: "[redacted]", origin: ".env:1" }),
        expect.objectContaining({ name: "RATE_LIMIT", value: "5/second", origin: ".env:2" }),
        expect.objectContaining({ name: "HOST", value: "127.0.0.1", origin: "default" }),
      ]),
    );
    expect([...child.stdout, ...child.stderr].join("\n")).not.toContain(key);
  });

  it("exits with 1 where the port is taken, and says so", async () => {
    const { url } = await startMain();
    const { ended, stdout } = startFile("main.ts", { env: { PORT: new URL(url).port } });
    expect((await ended).code).toBe(1);
    expect(entries(stdout).at(-1)).toMatchObject({ level: "fatal", err: { code: "EADDRINUSE" } });
  });
});
