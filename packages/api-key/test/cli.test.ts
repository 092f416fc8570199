import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { OpenOptions } from "../src/cli/postgres.ts";
import { run } from "../src/cli/run.ts";
import { createApiKeys, createKeyFormat, type KeyStore, memoryKeyStore } from "../src/index.ts";

const environment = { DATABASE_URL: "postgres://db/app", API_KEY_PREFIX: "acme" };

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly opened: readonly OpenOptions[];
  readonly closed: number;
}

interface Given {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly store?: KeyStore;
}

async function runOn(args: readonly string[], given: Given = {}): Promise<Outcome> {
  const { env = environment, input = "", store = memoryKeyStore() } = given;
  let [stdout, stderr, closed] = ["", "", 0];
  const opened: OpenOptions[] = [];
  const code = await run(args, {
    env,
    openStore: async (options) => {
      opened.push(options);
      return {
        ...store,
        close: async () => {
          closed++;
        },
      };
    },
    readInput: async () => input,
    print: (text) => {
      stdout += text;
    },
    tell: (text) => {
      stderr += text;
    },
  });
  return { code, stdout, stderr, opened, closed };
}

const create = ["create", "--name", "export", "--owner", "ann"];

describe("create", () => {
  it("prints the key alone on standard output, and what is kept of it on standard error", async () => {
    const store = memoryKeyStore();
    const rights = [
      "--scope",
      "datasets:read",
      "--scope",
      "reports:*",
      "--limit",
      "dataset=sales",
      "--limit",
      "dataset=a=b",
    ];
    const { code, stdout, stderr, opened, closed } = await runOn([...create, ...rights, "--expires", "90d"], { store });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^acme_live_[0-9A-Za-z]{46}\n$/);
    expect(stderr).toMatch(/^ID +ENVIRONMENT +OWNER +NAME +SCOPES +LAST USED +ENDS\n/);
    expect(stderr).toContain("It is not shown again.");
    expect(stderr).not.toContain(stdout.slice(-20, -1));
    const keys = createApiKeys({ prefix: "acme", store });
    expect(await keys.verify(stdout.trim())).toMatchObject({
      ok: true,
      key: { owner: "ann", scopes: ["datasets:read", "reports:*"], limits: { dataset: ["sales", "a=b"] } },
    });
    expect([opened, closed]).toEqual([[{ url: "postgres://db/app", ensureSchema: false }], 1]);
  });

  it("takes roles, environments, peppers, and where to put it", async () => {
    const store = memoryKeyStore();
    const pepper = randomBytes(32).toString("base64url");
    const env = { ...environment, API_KEY_ENVIRONMENTS: "eu, us", API_KEY_PEPPERS: `2026-11:${pepper}` };
    const where = ["--table", "keys", "--schema", "auth", "--ensure-schema"];
    const args = [...create, "--role", "read-only", "--environment", "us", ...where];
    const { stdout, opened } = await runOn(args, { env, store });
    const keys = createApiKeys({
      prefix: "acme",
      environments: ["us"],
      store,
      peppers: [{ id: "2026-11", key: pepper }],
    });
    expect(await keys.verify(stdout.trim(), { scope: "datasets:read" })).toMatchObject({ ok: true });
    expect(store.findSync(stdout.slice(8, 20))?.pepperId).toBe("2026-11");
    expect(opened).toEqual([{ url: environment.DATABASE_URL, table: "keys", schema: "auth", ensureSchema: true }]);
  });

  it("prints JSON where it is told to", async () => {
    const { stdout, stderr } = await runOn([...create, "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ text: expect.stringMatching(/^acme_live_/), key: { owner: "ann" } });
    expect(stderr).toBe("");
  });

  it.each([
    [["create", "--name", "export"], 64, "create takes --name and --owner"],
    [[...create, "--limit", "sales"], 64, "--limit takes KIND=VALUE"],
    [[...create, "--scope", "**"], 65, '"**" is no scope'],
    [[...create, "--role", "root"], 65, 'There is no role "root"'],
    [[...create, "--expires", "soon"], 65, '"soon" is not a duration'],
  ])("refuses %j", async (args, code, message) => {
    const outcome = await runOn(args);
    expect(outcome).toMatchObject({ code, stdout: "", closed: 1 });
    expect(outcome.stderr).toContain(message);
  });
});

describe("list, rotate and revoke", () => {
  const setUp = async () => {
    const store = memoryKeyStore();
    const keys = createApiKeys({ prefix: "acme", store });
    const make = (owner: string) => keys.create({ name: "export", owner, scopes: ["datasets:read"] });
    return { store, keys, ann: await make("ann"), bob: await make("bob") };
  };

  it("print what is kept, as a table or as JSON", async () => {
    const { store, keys, ann, bob } = await setUp();
    await keys.revoke(bob.key.id);
    const table = await runOn(["list"], { store });
    expect(table.stdout.split("\n")).toHaveLength(4);
    expect(table.stdout).toMatch(new RegExp(`^${ann.key.id} +live +ann +export +datasets:read +never +never$`, "m"));
    expect(table.stdout).toMatch(new RegExp(`^${bob.key.id} .* revoked \\d{4}-.*Z$`, "m"));
    const list = async (...args: string[]) => JSON.parse((await runOn(["list", "--json", ...args], { store })).stdout);
    expect(await list("--active")).toEqual([ann.key]);
    expect(await list("--owner", "ann")).toEqual([ann.key]);
    expect(await list("--after", "zzzzzzzzzzzz")).toEqual([]);
  });

  it("need no prefix where no key is made", async () => {
    const { store, ann } = await setUp();
    const env = { DATABASE_URL: "postgres://db/app" };
    expect((await runOn(["list"], { store, env })).code).toBe(0);
    expect((await runOn(["revoke", ann.key.id], { store, env })).code).toBe(0);
    expect(await runOn(["rotate", ann.key.id], { store, env })).toMatchObject({
      code: 78,
      stderr: "API_KEY_PREFIX is not set: it says what keys begin with.\n",
    });
  });

  it("make a successor, and say when the old key ends", async () => {
    const { store, keys, ann } = await setUp();
    const { code, stdout, stderr } = await runOn(["rotate", ann.key.id, "--grace", "1h"], { store });
    expect(code).toBe(0);
    expect(await keys.verify(stdout.trim())).toMatchObject({ ok: true, key: { owner: "ann" } });
    expect(stderr).toMatch(/The old key ends at \d{4}-.*Z\.\n$/);
    expect((await runOn(["rotate", ann.key.id], { store })).code).toBe(65);
  });

  it("end a key and say why", async () => {
    const { store, keys, ann } = await setUp();
    const { stdout } = await runOn(["revoke", ann.key.id, "--because", "it leaked", "--json"], { store });
    expect(JSON.parse(stdout)).toMatchObject([{ id: ann.key.id, revokedBecause: "it leaked" }]);
    expect((await keys.verify(ann.text.reveal())).ok).toBe(false);
    expect(await runOn(["revoke", "nobody"], { store })).toMatchObject({
      code: 65,
      stderr: "There is no key of the id nobody\n",
    });
  });
});

describe("hash", () => {
  it("prints what the environment may hold in a key's place, read from standard input", async () => {
    const { id, text } = createKeyFormat({ prefix: "acme", environments: ["live"] }).make("live");
    const own = await runOn(["hash"], { env: {}, input: `${text}\n` });
    expect(own).toMatchObject({ code: 0, stderr: "", opened: [] });
    expect(own.stdout).toMatch(new RegExp(`^sha256:live_${id}:[0-9a-f]{64}\n$`));
    const foreign = await runOn(["hash", "--name", "reports"], { env: {}, input: "hunter2" });
    expect(foreign.stdout).toMatch(/^sha256:reports:[0-9a-f]{64}\n$/);
    expect(await runOn(["hash"], { env: {}, input: "hunter2" })).toMatchObject({ code: 65, stdout: "" });
  });
});

describe("the command line", () => {
  it.each([
    [[], "No command given"],
    [["frobnicate"], "There is no such command"],
    [["__proto__"], "There is no such command"],
    [["create", "acme_live_secret"], "a key never goes here"],
    [["rotate"], "rotate takes one ID"],
    [["revoke", "a", "b"], "revoke takes one ID"],
    [["list", "--grace", "1h"], "list has no option --grace"],
    [["hash", "--json"], "hash has no option --json"],
    [["list", "--frobnicate"], "--frobnicate"],
  ])("exits with 64 and its help on %j", async (args, message) => {
    const { code, stdout, stderr, opened } = await runOn(args);
    expect({ code, stdout, opened }).toEqual({ code: 64, stdout: "", opened: [] });
    expect(stderr).toContain(message);
    expect(stderr).toContain("Usage: holdfast-api-key");
    expect(stderr).not.toContain("acme_live_secret");
  });

  it.each([
    [{}, "DATABASE_URL is not set"],
    [{ DATABASE_URL: "" }, "DATABASE_URL is not set"],
    [{ DATABASE_URL: "postgres://db" }, "API_KEY_PREFIX is not set"],
    [{ ...environment, API_KEY_PEPPERS: "sesame" }, "API_KEY_PEPPERS is no list of ID:BASE64URL"],
  ])("exits with 78 in the environment %j", async (env, message) => {
    const outcome = await runOn(create, { env });
    expect(outcome).toMatchObject({ code: 78, stdout: "", opened: [] });
    expect(outcome.stderr).toContain(message);
  });

  it("exits with 69 where the database is away", async () => {
    const store = { ...memoryKeyStore(), list: () => Promise.reject(new Error("connection refused")) };
    expect(await runOn(["list"], { store })).toMatchObject({ code: 69, stderr: "connection refused\n", closed: 1 });
  });

  it("prints its help when asked, as a program of its own", async () => {
    const cli = new URL("../src/cli.ts", import.meta.url).pathname;
    const { promise, resolve } = Promise.withResolvers<readonly unknown[]>();
    execFile(process.execPath, [cli, "--help"], { env: {} }, (...outcome) => resolve(outcome));
    expect(await promise).toEqual([null, expect.stringContaining("Usage: holdfast-api-key COMMAND"), ""]);
  });
});
