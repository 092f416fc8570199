import { writeFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createManualClock } from "@holdfast/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { envFile, loadConfig, port, processEnv, type Source, text, values } from "../src/index.ts";
import { collectingLogger, problemsOf, sourcesOf } from "./support.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-config-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

const fromEnv = (env: Record<string, string>) => loadConfig({ DB: text() }, { sources: [processEnv({ env })] });

describe("processEnv", () => {
  it("reads a variable", async () => {
    expect(await fromEnv({ DB: "x" })).toEqual({ DB: "x" });
  });

  it.each([
    ["secret", "secret"],
    ["secret\n", "secret"],
    ["secret\r\n", "secret"],
    ["\uFEFFsecret", "secret"],
    ["line\nline\n", "line\nline"],
  ])("reads the file that NAME_FILE names, less one newline: %j", async (content, value) => {
    expect(await fromEnv({ DB_FILE: await file("db", content) })).toEqual({ DB: value });
  });

  it("takes one newline away and no second", async () => {
    const [problem] = await problemsOf(fromEnv({ DB_FILE: await file("db", "secret\n\n") }));
    expect(problem).toMatchObject({ kind: "invalid", message: expect.stringContaining("white space at its end") });
  });

  it("refuses both NAME and NAME_FILE", async () => {
    const problems = await problemsOf(fromEnv({ DB: "x", DB_FILE: await file("db", "y") }));
    expect(problems).toMatchObject([
      { kind: "conflict", variable: "DB", message: "and DB_FILE are both set; unset one" },
    ]);
  });

  it("takes an empty one of the two as not set", async () => {
    expect(await fromEnv({ DB: "", DB_FILE: await file("db", "y") })).toEqual({ DB: "y" });
    expect(await fromEnv({ DB: "x", DB_FILE: "" })).toEqual({ DB: "x" });
  });

  it("takes an empty file as a missing value", async () => {
    const problems = await problemsOf(fromEnv({ DB_FILE: await file("db", "\n") }));
    expect(problems).toMatchObject([{ kind: "missing", message: "is set but empty" }]);
  });

  it.each([
    ["a file that is not there", async () => join(folder, "none"), "does not exist"],
    ["a folder", async () => folder, "is a directory"],
    ["a device", async () => "/dev/zero", "is not a regular file"],
    ["more than 1 MiB", () => file("big", "x".repeat(2 ** 20 + 1)), "is larger than 1 MiB"],
    ["no text", () => file("binary", new Uint8Array([0xff, 0xfe, 0x00])), "is not UTF-8 text"],
  ])("names the path of %s", async (_, make, message) => {
    const path = await make();
    const problems = await problemsOf(fromEnv({ DB_FILE: path }));
    expect(problems).toMatchObject([
      { kind: "unreadable", variable: "DB", message: expect.stringContaining(message), origin: `${path} (DB_FILE)` },
    ]);
    expect(problems[0]?.message).toContain(path);
  });

  it("does not fall back to a weaker source for what it can't read", async () => {
    const sources = [processEnv({ env: { DB_FILE: join(folder, "none") } }), values({ DB: "stale" })];
    expect(await problemsOf(loadConfig({ DB: text() }, { sources }))).toMatchObject([{ kind: "unreadable" }]);
  });

  it("leaves a declared variable whose name ends in _FILE a plain variable", async () => {
    const schema = { LOG: text().optional(), LOG_FILE: text() };
    const sources = [processEnv({ env: { LOG_FILE: "/var/log/x" } })];
    expect(await loadConfig(schema, { sources })).toEqual({ LOG: undefined, LOG_FILE: "/var/log/x" });
    const both = [processEnv({ env: { LOG: "debug", LOG_FILE: "/var/log/x" } })];
    expect(await loadConfig(schema, { sources: both })).toEqual({ LOG: "debug", LOG_FILE: "/var/log/x" });
  });

  it("warns of a file that every user can change, and of no other", async () => {
    const { lines, logger } = collectingLogger();
    const path = await file("db", "x");
    const load = () => loadConfig({ DB: text() }, { sources: [processEnv({ env: { DB_FILE: path } })], logger });
    await chmod(path, 0o644);
    await load();
    expect(lines).toEqual([]);
    await chmod(path, 0o646);
    await load();
    expect(lines).toEqual([
      { fields: { path }, message: "configuration file can be changed by every user of this machine" },
    ]);
  });

  it("refuses a file that changes while it is read", async () => {
    const path = await file("db", "first");
    await chmod(path, 0o666);
    // The warning about the mode comes between the opening of the file and its reading.
    const { logger } = collectingLogger();
    const meddling = { ...logger, warn: () => writeFileSync(path, "second, and longer") };
    const load = loadConfig({ DB: text() }, { sources: [processEnv({ env: { DB_FILE: path } })], logger: meddling });
    expect(await problemsOf(load)).toMatchObject([
      { kind: "unreadable", message: expect.stringContaining("was changed while it was read") },
    ]);
  });

  it("reads a mounted secret through its symlinks, as Kubernetes lays it out", async () => {
    await mkdir(join(folder, "..data-1"));
    await writeFile(join(folder, "..data-1", "db"), "mounted");
    await symlink("..data-1", join(folder, "..data"));
    await symlink(join("..data", "db"), join(folder, "db"));
    expect(await fromEnv({ DB_FILE: join(folder, "db") })).toEqual({ DB: "mounted" });
  });
});

describe("envFile", () => {
  const load = (path: string, options?: { optional: boolean }) =>
    loadConfig({ A: text(), B: text().optional() }, { sources: [envFile(path, options)] });

  it("reads what Node's own parser reads", async () => {
    const path = await file(".env", "# note\nexport A='one # two' # note\nB=\"multi\nline\"\n");
    expect(await load(path)).toEqual({ A: "one # two", B: "multi\nline" });
  });

  it("tells the line of each value, the last where a name comes twice", async () => {
    const path = await file(".env", 'B="first\nA=not this\nlast"\n\nA=early\n export A = late\n');
    const config = await load(path);
    expect(config.explain().variables.map(({ name, origin }) => [name, origin])).toEqual([
      ["A", `${path}:6`],
      ["B", `${path}:1`],
    ]);
  });

  it("does not take a line inside of quotes for an assignment", async () => {
    const path = await file(".env", 'A=a\nB="first\nA=not this\nlast"\n');
    expect((await load(path)).explain().variables[0]).toMatchObject({ value: "a", origin: `${path}:1` });
  });

  it("puts nothing into process.env", async () => {
    await load(await file(".env", "A=a\n"));
    expect(process.env["A"]).toBeUndefined();
  });

  it("that is absent is a problem of the source unless it is optional", async () => {
    const path = join(folder, ".env");
    expect(await problemsOf(load(path))).toMatchObject([
      { kind: "source", source: path, message: "could not be read: it does not exist" },
      { kind: "missing", variable: "A", lookedIn: [`${path} (failed)`] },
    ]);
    const optional = loadConfig({ A: text().default("a") }, { sources: [envFile(path, { optional: true })] });
    expect(await optional).toEqual({ A: "a" });
  });

  it("that can't be read is a problem also where it is optional", async () => {
    expect(await problemsOf(load(folder, { optional: true }))).toMatchObject([
      { kind: "source", message: "could not be read: it is a directory" },
      { kind: "missing" },
    ]);
  });

  it("is one source among several, the first being the strongest", async () => {
    const sources = [envFile(await file(".env.local", "A=local\n")), envFile(await file(".env", "A=a\nB=b\n"))];
    expect(await loadConfig({ A: text(), B: text() }, { sources })).toEqual({ A: "local", B: "b" });
  });

  it("bears names that an object has by itself", async () => {
    const path = await file(".env", "constructor=c\n__proto__=p\nA=a\n");
    const config = await loadConfig(
      { A: text(), constructor: text(), valueOf: text().optional() },
      { sources: [envFile(path)] },
    );
    expect({ ...config }).toEqual({ A: "a", constructor: "c", valueOf: undefined });
  });
});

describe("a source of one's own", () => {
  it("is a function, called by its name in reports", async () => {
    const consul = async (): Promise<Record<string, string>> => ({ A: "80" });
    const config = await loadConfig({ A: port() }, { sources: [consul] });
    expect(config.explain().variables[0]).toMatchObject({ source: "consul", origin: "consul", value: "80" });
  });

  it("is asked once, for the declared names and no others", async () => {
    const asked: (readonly string[])[] = [];
    const source: Source = {
      name: "store",
      load: (names) => {
        asked.push(names);
        return { A: "80", OTHER: "never seen" };
      },
    };
    expect(await loadConfig({ A: port(), B: port().optional() }, { sources: [source] })).toEqual({
      A: 80,
      B: undefined,
    });
    expect(asked).toEqual([["A", "B"]]);
  });

  it("is asked at the same time as the others", async () => {
    const order: string[] = [];
    const source = (name: string): Source => ({
      name,
      load: async () => {
        order.push(`${name} asked`);
        await new Promise(setImmediate);
        order.push(`${name} answered`);
        return {};
      },
    });
    await loadConfig({}, { sources: [source("a"), source("b")] });
    expect(order.slice(0, 2)).toEqual(["a asked", "b asked"]);
  });

  it("gives own properties only, so that an inherited one is no value", async () => {
    const polluted = Object.create({ A: "80" }) as Record<string, string>;
    expect(await problemsOf(loadConfig({ A: port() }, { sources: [() => polluted] }))).toMatchObject([
      { kind: "missing" },
    ]);
  });

  it("can report what it can't read of one variable", async () => {
    const source = () => ({ A: { problem: "has no current version", origin: "store:/a" } });
    expect(await problemsOf(loadConfig({ A: port() }, { sources: [source] }))).toMatchObject([
      { kind: "unreadable", variable: "A", message: "has no current version", origin: "store:/a" },
    ]);
  });

  it.each([
    ["throws", () => Promise.reject(new Error("refused the connection")), "refused the connection"],
    ["rejects with no error", () => Promise.reject("text"), "it rejected without an error"],
    ["gives no object", async () => null as never, "something other than values by name"],
  ])("that %s is a problem beside the others", async (_, load, message) => {
    const sources = [{ name: "store", load }, values({ B: "x" })];
    const problems = await problemsOf(loadConfig({ A: port(), B: port() }, { sources }));
    expect(problems).toMatchObject([
      { kind: "source", source: "store", message: expect.stringContaining(message) },
      { kind: "missing", variable: "A", lookedIn: ["store (failed)", "values"] },
      { kind: "invalid", variable: "B" },
    ]);
  });

  it.each([80, null, { value: ["80"], origin: "x" }, { origin: "x" }])(
    "that gives %j for a variable is a problem of that one",
    async (given) => {
      const sources = [async () => ({ A: given }) as never, values({ A: "80" })];
      expect(await problemsOf(loadConfig({ A: port() }, { sources }))).toMatchObject([
        { kind: "unreadable", variable: "A", message: "is given as something other than text" },
      ]);
    },
  );

  it("is not asked to be readable where a stronger one has the value", async () => {
    const sources = [values({ A: "80" }), () => ({ A: { problem: "has no current version" } })];
    expect(await loadConfig({ A: port() }, { sources })).toEqual({ A: 80 });
  });

  it("may leave out where it found a value", async () => {
    const store = () => ({ A: { value: "80" } as never });
    const config = await loadConfig({ A: port() }, { sources: [store] });
    expect(config.explain().variables[0]).toMatchObject({ source: "store", origin: "store" });
  });

  it("fails the load even if another source has all that is needed", async () => {
    const sources = [() => Promise.reject(new Error("down")), values({ A: "80" })];
    expect(await problemsOf(loadConfig({ A: port() }, { sources }))).toMatchObject([
      { kind: "source", source: "source 1" },
    ]);
  });
});

describe("a slow source", () => {
  it("is given up after 10 seconds, named, and its signal aborted; nothing is left behind", async () => {
    const clock = createManualClock();
    let signal: AbortSignal | undefined;
    const slow: Source = {
      name: "vault",
      load: (_, context) => {
        signal = context.signal;
        return new Promise(() => {});
      },
    };
    const problems = problemsOf(loadConfig({ A: port().optional() }, { sources: [slow], clock }));
    await clock.advanceAsync(9999);
    expect(signal?.aborted).toBe(false);
    await clock.advanceAsync(1);
    expect(await problems).toMatchObject([
      { kind: "source", source: "vault", message: "did not answer within 10000 ms" },
    ]);
    expect(signal).toMatchObject({ aborted: true, reason: { name: "TimeoutError" } });
    expect(clock.pendingTimers).toBe(0);
  });

  it("has a time limit of its own", async () => {
    const clock = createManualClock();
    const slow: Source = { name: "vault", timeoutMs: 50, load: () => new Promise(() => {}) };
    const problems = problemsOf(loadConfig({}, { sources: [slow, values({})], clock }));
    await clock.advanceAsync(50);
    expect(await problems).toMatchObject([{ source: "vault", message: "did not answer within 50 ms" }]);
  });

  it("that rejects after its time was up does not disturb the process", async () => {
    const clock = createManualClock();
    let fail = (_: Error): void => {};
    const slow: Source = { name: "vault", load: () => new Promise((_, reject) => (fail = reject)) };
    const problems = problemsOf(loadConfig({}, { sources: [slow], clock }));
    await clock.advanceAsync(10_000);
    await problems;
    fail(new Error("late"));
    await new Promise(setImmediate);
  });

  it("is left within a tick when the caller aborts, with no timer and no listener behind", async () => {
    const clock = createManualClock();
    const controller = new AbortController();
    let signal: AbortSignal | undefined;
    let listeners = 0;
    const { addEventListener, removeEventListener } = controller.signal;
    controller.signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listeners++;
      addEventListener.apply(controller.signal, args);
    };
    controller.signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listeners--;
      removeEventListener.apply(controller.signal, args);
    };
    const slow: Source = {
      name: "vault",
      load: (_, context) => {
        signal = context.signal;
        return new Promise(() => {});
      },
    };
    const reason = new Error("shutting down");
    let outcome: unknown;
    loadConfig({}, { sources: [slow], clock, signal: controller.signal }).catch((error: unknown) => {
      outcome = error;
    });
    await new Promise(setImmediate);
    controller.abort(reason);
    await new Promise(setImmediate);
    expect(outcome).toBe(reason);
    expect(signal).toMatchObject({ aborted: true, reason });
    expect(clock.pendingTimers).toBe(0);
    expect(listeners).toBe(0);
  });

  it("that looks at its signal only after the end finds it aborted", async () => {
    const clock = createManualClock();
    let context: Parameters<Source["load"]>[1] | undefined;
    const slow: Source = {
      name: "vault",
      load: (_, given) => {
        context = given;
        return new Promise(() => {});
      },
    };
    const problems = problemsOf(loadConfig({}, { sources: [slow], clock }));
    await clock.advanceAsync(10_000);
    await problems;
    expect(context?.signal.aborted).toBe(true);
  });
});

describe("values", () => {
  it("has what the record has at each load", async () => {
    const record: Record<string, string> = { A: "1" };
    const sources = [values(record, "overrides")];
    const first = await loadConfig({ A: port() }, { sources });
    record["A"] = "2";
    expect(await loadConfig({ A: port() }, { sources })).toEqual({ A: 2 });
    expect(first.explain().variables[0]).toMatchObject({ source: "overrides", value: "1" });
  });

  it("does not find what the record only inherits", async () => {
    expect(await problemsOf(loadConfig({ constructor: text() }, { sources: sourcesOf({}) }))).toMatchObject([
      { kind: "missing" },
    ]);
  });
});
