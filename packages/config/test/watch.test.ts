import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, createManualClock, type ManualClock } from "@holdfast/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  type Config,
  ConfigError,
  json,
  key,
  list,
  loadConfig,
  port,
  processEnv,
  type Source,
  secret,
  type Variable,
  values,
  type WatchOptions,
} from "../src/index.ts";
import { collectingLogger, everyForm } from "./support.ts";

const schema = { TOKEN: secret({ minLength: 3 }), PORT: port().default(80) };
type Schema = typeof schema;

interface Watched {
  readonly clock: ManualClock;
  readonly changes: { readonly config: Config<Schema>; readonly changed: readonly string[] }[];
  readonly errors: { readonly error: unknown; readonly staleMs: number }[];
  readonly config: Config<Schema>;
  readonly watch: ReturnType<Config<Schema>["watch"]>;
}

/** A watch of a minute's interval, without jitter. */
async function watched(source: Source, options: Partial<WatchOptions<Config<Schema>>> = {}): Promise<Watched> {
  const clock = createManualClock();
  const changes: Watched["changes"] = [];
  const errors: Watched["errors"] = [];
  const config = await loadConfig(schema, { sources: [source], clock });
  const watch = config.watch({
    interval: "1m",
    random: () => 0.5,
    onChange: (next, changed) => void changes.push({ config: next, changed }),
    onError: (error, { staleMs }) => void errors.push({ error, staleMs }),
    ...options,
  });
  return { clock, changes, errors, config, watch };
}

describe("watch", () => {
  it("hands over a new frozen configuration and the names that changed", async () => {
    const env: Record<string, string> = { TOKEN: "old" };
    const { clock, changes, config, watch } = await watched(values(env));
    env["TOKEN"] = "new";
    await clock.advanceAsync(60_000);
    expect(changes.map(({ changed }) => changed)).toEqual([["TOKEN"]]);
    const next = changes[0]?.config;
    expect(next).toBe(watch.current);
    expect(next?.TOKEN.reveal()).toBe("new");
    expect(Object.isFrozen(next)).toBe(true);
    expect(config.TOKEN.reveal()).toBe("old");
    expect(next?.explain().variables[0]?.loadedAt).toBe("1970-01-01T00:01:00.000Z");
    await watch.close();
  });

  it("changes all variables at once or none", async () => {
    const env: Record<string, string> = { TOKEN: "old", PORT: "80" };
    const { clock, changes, errors, watch } = await watched(values(env));
    Object.assign(env, { TOKEN: "new", PORT: "x" });
    await clock.advanceAsync(60_000);
    expect(changes).toEqual([]);
    expect(watch.current).toMatchObject({ PORT: 80 });
    expect(watch.current.TOKEN.reveal()).toBe("old");
    expect(errors).toMatchObject([{ error: { code: "CONFIG_INVALID", problems: [{ variable: "PORT" }] } }]);
    env["PORT"] = "81";
    await clock.advanceAsync(60_000);
    expect(changes.map(({ changed }) => changed)).toEqual([["TOKEN", "PORT"]]);
    await watch.close();
  });

  it("is silent when nothing changed, also where a value is written in another way or is made anew", async () => {
    const clock = createManualClock();
    const env: Record<string, string> = { A: "60", B: "a,b", C: '{"x":[1]}', D: "1", E: "s3cret" };
    const rich = {
      A: z.coerce.number(),
      B: list(),
      C: json(),
      D: z.string().transform(() => ({ made: Symbol("anew") })),
      E: secret(),
    };
    const config = await loadConfig(rich, { sources: [values(env)], clock });
    const seen: unknown[] = [];
    const watch = config.watch({
      interval: 1000,
      onChange: (_, changed) => seen.push(changed),
      onError: (e) => seen.push(e),
    });
    Object.assign(env, { A: "60.0", B: "a, b", C: '{ "x": [1] }' });
    await clock.advanceAsync(5000);
    expect(seen).toEqual([]);
    expect(watch.current).toBe(config);
    Object.assign(env, { C: '{"x":[2]}', D: "2" });
    await clock.advanceAsync(2000);
    expect(seen).toEqual([["C", "D"]]);
    await watch.close();
  });

  it("reports a failed source with the age of the last good read, and keeps the configuration", async () => {
    let down = false;
    const source: Source = {
      name: "vault",
      load: async () => {
        if (down) throw new Error("connection refused");
        return { TOKEN: "old" };
      },
    };
    const { clock, changes, errors, config, watch } = await watched(source);
    await clock.advanceAsync(60_000);
    down = true;
    await clock.advanceAsync(120_000);
    expect(errors.map(({ staleMs }) => staleMs)).toEqual([60_000, 120_000]);
    expect(errors[0]?.error).toBeInstanceOf(ConfigError);
    expect(errors[0]?.error).toMatchObject({ problems: [{ kind: "source", source: "vault" }, { kind: "missing" }] });
    expect(watch.current).toBe(config);
    down = false;
    await clock.advanceAsync(60_000);
    down = true;
    await clock.advanceAsync(60_000);
    expect(errors.at(-1)?.staleMs).toBe(60_000);
    expect(changes).toEqual([]);
    await watch.close();
  });

  it("gives a hanging source its time and goes on", async () => {
    let hangs = false;
    const source: Source = {
      name: "vault",
      timeoutMs: 5000,
      load: async () => (hangs ? new Promise(() => {}) : { TOKEN: "old" }),
    };
    const { clock, errors, watch } = await watched(source);
    hangs = true;
    await clock.advanceAsync(60_000);
    expect(errors).toEqual([]);
    await clock.advanceAsync(5000);
    expect(errors).toMatchObject([{ error: { problems: [{ message: "did not answer within 5000 ms" }, {}] } }]);
    await watch.close();
  });

  it("never has two reads at once, however slow a source is", async () => {
    let open = 0;
    let most = 0;
    let release = (): void => {};
    const source: Source = {
      name: "slow",
      timeoutMs: 1e9,
      load: async () => {
        most = Math.max(most, ++open);
        if (release !== undefined) await new Promise<void>((resolve) => (release = resolve));
        open--;
        return { TOKEN: "old" };
      },
    };
    const first = watched(source);
    await new Promise(setImmediate);
    release();
    const { clock, watch } = await first;
    await clock.advanceAsync(60_000);
    const refreshes = [watch.refresh(), watch.refresh()];
    await clock.advanceAsync(600_000);
    release();
    await new Promise(setImmediate);
    release();
    await Promise.all(refreshes);
    expect(most).toBe(1);
    await watch.close();
  });

  it("waits its interval from the end of one read to the next, off by the jitter", async () => {
    const clock = createManualClock();
    const readAt: number[] = [];
    const source = () => {
      readAt.push(clock.now());
      return { TOKEN: "old" };
    };
    const config = await loadConfig(schema, { sources: [source], clock });
    const chances = [0, 0.999999, 0.5];
    const watch = config.watch({ interval: "100s", random: () => chances.shift() ?? 0.5, onChange() {}, onError() {} });
    await clock.advanceAsync(400_000);
    expect(readAt.map(Math.round)).toEqual([0, 90_000, 200_000, 300_000, 400_000]);
    await watch.close();
  });

  it("does not keep the process alive", async () => {
    const armed: unknown[] = [];
    const clock = createManualClock();
    const spying: Clock = {
      ...clock,
      schedule: (_callback, _delayMs, options) => {
        armed.push(options);
        return () => {};
      },
    };
    const config = await loadConfig(schema, { sources: [values({ TOKEN: "old" })], clock: spying });
    config.watch({ interval: "1m", onChange() {}, onError() {} });
    expect(armed).toEqual([{ keepAlive: false }]);
  });

  it.each([
    { interval: 0 },
    { interval: -1 },
    { interval: "soon" },
    { interval: 1000, jitter: 1 },
    { interval: 1000, jitter: -0.1 },
    { interval: 1000, jitter: Number.NaN },
  ])("refuses %j", async (options) => {
    const config = await loadConfig(schema, { sources: [values({ TOKEN: "old" })] });
    expect(() => config.watch({ ...options, onChange() {}, onError() {} })).toThrow(
      expect.objectContaining({ code: expect.any(String) }),
    );
  });
});

describe("refresh", () => {
  it("reads now and resolves to what is then current", async () => {
    const env: Record<string, string> = { TOKEN: "old" };
    const { watch, changes } = await watched(values(env));
    env["TOKEN"] = "new";
    expect((await watch.refresh()).TOKEN.reveal()).toBe("new");
    expect(changes).toHaveLength(1);
    await watch.close();
  });

  it("resolves to the old one and reports when the read fails", async () => {
    const env: Record<string, string> = { TOKEN: "old" };
    const { watch, errors, config } = await watched(values(env));
    delete env["TOKEN"];
    expect(await watch.refresh()).toBe(config);
    expect(errors).toHaveLength(1);
    await watch.close();
  });

  it("called during a read starts another after it, which all who ask meanwhile share", async () => {
    let reads = 0;
    let release = (): void => {};
    const source: Source = {
      name: "slow",
      load: async () => {
        reads++;
        if (reads > 1) await new Promise<void>((resolve) => (release = resolve));
        return { TOKEN: `read-${reads}` };
      },
    };
    const { watch } = await watched(source);
    const first = watch.refresh();
    await new Promise(setImmediate);
    const late = [watch.refresh(), watch.refresh(), watch.refresh()];
    release();
    expect((await first).TOKEN.reveal()).toBe("read-2");
    await new Promise(setImmediate);
    release();
    expect((await Promise.all(late)).map(({ TOKEN }) => TOKEN.reveal())).toEqual(["read-3", "read-3", "read-3"]);
    expect(reads).toBe(3);
    await watch.close();
  });

  it("sets the interval going anew", async () => {
    const { clock, watch } = await watched(values({ TOKEN: "old" }));
    await clock.advanceAsync(59_000);
    await watch.refresh();
    expect(clock.pendingTimers).toBe(1);
    await watch.close();
  });
});

describe("callbacks that throw", () => {
  it("don't end the watch: onError hears of onChange, the logger of onError", async () => {
    const clock = createManualClock();
    const { lines, logger } = collectingLogger();
    const env: Record<string, string> = { TOKEN: "old" };
    const config = await loadConfig(schema, { sources: [values(env)], clock, logger });
    const heard: unknown[] = [];
    const watch = config.watch({
      interval: "1m",
      random: () => 0.5,
      onChange: () => {
        throw new RangeError("in onChange");
      },
      onError: (error) => {
        heard.push(error);
        throw new Error("quotes hunter2");
      },
    });
    env["TOKEN"] = "new";
    await clock.advanceAsync(60_000);
    expect(heard).toMatchObject([{ message: "in onChange" }]);
    expect(lines).toEqual([{ fields: {}, message: "onError of a configuration watch threw" }]);
    expect(watch.current.TOKEN.reveal()).toBe("new");
    env["TOKEN"] = "newer";
    await clock.advanceAsync(60_000);
    expect(watch.current.TOKEN.reveal()).toBe("newer");
    await watch.close();
  });
});

describe("the end of a watch", () => {
  it("leaves no timer, and no callback is called any more", async () => {
    const env: Record<string, string> = { TOKEN: "old" };
    const { clock, watch, changes, errors } = await watched(values(env));
    await watch.close();
    expect(clock.pendingTimers).toBe(0);
    env["TOKEN"] = "new";
    await clock.advanceAsync(600_000);
    expect((await watch.refresh()).TOKEN.reveal()).toBe("old");
    expect([changes, errors]).toEqual([[], []]);
  });

  it("comes with the signal, also in the middle of a read, whose source is told to stop", async () => {
    const controller = new AbortController();
    const signals: AbortSignal[] = [];
    let reads = 0;
    const source: Source = {
      name: "slow",
      load: async (_, { signal }) => {
        signals.push(signal);
        return reads++ === 0 ? { TOKEN: "old" } : new Promise(() => {});
      },
    };
    const { clock, watch, changes, errors } = await watched(source, { signal: controller.signal });
    await clock.advanceAsync(60_000);
    controller.abort();
    await new Promise(setImmediate);
    expect(signals.at(-1)?.aborted).toBe(true);
    expect(clock.pendingTimers).toBe(0);
    expect([changes, errors]).toEqual([[], []]);
    await watch.close();
  });

  it("is the end of the callbacks, in whatever moment of a read it comes", async () => {
    for (let ticks = 0; ticks < 60; ticks++) {
      const env: Record<string, string> = { TOKEN: "old" };
      const { watch, changes } = await watched(values(env));
      env["TOKEN"] = "new";
      const refreshed = watch.refresh();
      for (let tick = 0; tick < ticks; tick++) await undefined;
      const before = changes.length;
      await watch.close();
      await refreshed;
      expect(changes).toHaveLength(before);
    }
  });

  it("comes at once with a signal that is aborted already", async () => {
    const { clock, watch } = await watched(values({ TOKEN: "old" }), { signal: AbortSignal.abort() });
    expect(clock.pendingTimers).toBe(0);
    expect((await watch.refresh()).TOKEN.reveal()).toBe("old");
  });

  it("comes with the end of an `await using` block", async () => {
    const { clock, config } = await watched(values({ TOKEN: "old" }));
    {
      await using watch = config.watch({ interval: "1m", onChange() {}, onError() {} });
      expect(watch.current).toBe(config);
    }
    // The one of `watched` itself.
    expect(clock.pendingTimers).toBe(1);
  });
});

describe("files under a watch", () => {
  async function mounted(content: string): Promise<{ folder: string; source: Source }> {
    const folder = await mkdtemp(join(tmpdir(), "holdfast-watch-"));
    await writeFile(join(folder, "token"), content);
    return { folder, source: processEnv({ env: { TOKEN_FILE: join(folder, "token") } }) };
  }

  it("are followed through a symlink that is swapped, as Kubernetes swaps a volume", async () => {
    const folder = await mkdtemp(join(tmpdir(), "holdfast-watch-"));
    const write = async (version: string, token: string): Promise<void> => {
      await mkdir(join(folder, version));
      await writeFile(join(folder, version, "token"), token);
      await symlink(version, join(folder, "..data-new"));
      await rename(join(folder, "..data-new"), join(folder, "..data"));
    };
    await write("..1", "first");
    await symlink(join("..data", "token"), join(folder, "token"));
    const { watch } = await watched(processEnv({ env: { TOKEN_FILE: join(folder, "token") } }));
    await write("..2", "second");
    expect((await watch.refresh()).TOKEN.reveal()).toBe("second");
    await watch.close();
    await rm(folder, { recursive: true });
  });

  it("that vanish leave the old value in force", async () => {
    const { folder, source } = await mounted("first");
    const { watch, errors } = await watched(source);
    await rm(join(folder, "token"));
    expect((await watch.refresh()).TOKEN.reveal()).toBe("first");
    expect(errors).toMatchObject([{ error: { problems: [{ kind: "unreadable", variable: "TOKEN" }] } }]);
    await watch.close();
    await rm(folder, { recursive: true });
  });

  it("that are caught empty or cut short leave the old value in force", async () => {
    const { folder, source } = await mounted("first");
    const { watch, errors } = await watched(source);
    for (const torn of ["", "fi"]) {
      await writeFile(join(folder, "token"), torn);
      expect((await watch.refresh()).TOKEN.reveal()).toBe("first");
    }
    expect(errors).toMatchObject([
      { error: { problems: [{ kind: "missing" }] } },
      { error: { problems: [{ kind: "invalid" }] } },
    ]);
    await watch.close();
    await rm(folder, { recursive: true });
  });
});

describe("errors under a watch", () => {
  it("repeat no value", async () => {
    const clock = createManualClock();
    const env: Record<string, string> = { KEY: "pJ9Qv3w0-Zk1xT7mB2sY8dLr5NfHcU6aGeWiKo4RtXE", NAME: "ok" };
    const strict: { KEY: Variable; NAME: z.ZodString } = {
      KEY: key(),
      NAME: z.string().max(5, { error: ({ input }) => `too long: ${input}` }),
    };
    const config = await loadConfig(strict, { sources: [values(env)], clock });
    const errors: unknown[] = [];
    const watch = config.watch({ interval: "1m", onChange() {}, onError: (error) => errors.push(error) });
    Object.assign(env, { KEY: "hunter2-brief", NAME: "hunter2-name" });
    await watch.refresh();
    expect(errors).toHaveLength(1);
    expect(everyForm(errors[0])).not.toMatch(/hunter2|brief|pJ9Q/);
    await watch.close();
  });
});
