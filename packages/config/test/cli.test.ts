import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const cli = new URL("../src/cli.ts", import.meta.url).pathname;
const entry = new URL("../src/index.ts", import.meta.url).href;
const zod = import.meta.resolve("zod");

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-cli-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

interface Run {
  readonly code: unknown;
  readonly stdout: string;
  readonly stderr: string;
}

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Run> {
  return new Promise((resolve) => {
    execFile(process.execPath, [cli, ...args], { env: { ...env }, cwd: folder }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });
}

async function schemaFile(name: string, body: string): Promise<string> {
  const path = join(folder, name);
  const helpers = "duration, flag, key, list, oneOf, port, secret, text, url, values, variable, when";
  await writeFile(path, `import { ${helpers} } from "${entry}";\nimport { z } from "${zod}";\n${body}`);
  return path;
}

const service = () =>
  schemaFile(
    "service.ts",
    `interface Unused { readonly a: string }
     export const schema = {
       PORT: port().default(3000).describe("Where the service listens"),
       DATABASE_URL: url({ protocols: ["postgres"] }),
       TIMEOUT: duration().default(90_000),
       LEVEL: oneOf(["debug", "info"]).optional(),
       PATTERN: text({ pattern: /a|b/ }).example("it's #1 \\"a\\""),
       TOKEN: secret().recommended("calls are slow without it"),
       MAIL: z.email().optional().describe("Who | hears of it"),
       EMBED: flag(),
     };
     export const options = { rules: [when("EMBED", { EMBED_KEY: key() })] };`,
  );

const good = { DATABASE_URL: "postgres://db/app", PATTERN: "a" };

describe("check", () => {
  it("exits with 0 where the environment is valid, and prints on standard error only", async () => {
    const { code, stdout, stderr } = await run(["check", await service()], good);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
    expect(stderr).toBe(
      "Warning: TOKEN is not set, but should be: calls are slow without it\nConfiguration is valid: 8 variables\n",
    );
  });

  it("exits with 78 and the report for people where it is not", async () => {
    const { code, stdout, stderr } = await run(["check", await service()], { PORT: "80a" });
    expect({ code, stdout }).toEqual({ code: 78, stdout: "" });
    expect(stderr).toContain("Configuration is not valid: 3 problems\n\n  PORT is not a port number");
  });

  it("takes the options that the file exports", async () => {
    const file = await schemaFile(
      "options.ts",
      `export const schema = { A: port() }; export const options = { sources: [values({ A: "80" })] };`,
    );
    expect((await run(["check", file])).code).toBe(0);
  });

  it("takes a file of JavaScript and an object schema", async () => {
    const file = await schemaFile(
      "object.mjs",
      "export const schema = z.object({ A: z.number() }).refine(({ A }) => A > 1);",
    );
    expect((await run(["check", file], { A: "2" })).code).toBe(0);
    expect((await run(["check", file], { A: "1" })).code).toBe(78);
  });
});

describe("example", () => {
  it("writes every variable with what it is for, a secret empty with a way to make one", async () => {
    const { code, stdout, stderr } = await run(["example", await service()]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toBe(`# Where the service listens
# A port number from 1 to 65535; has a default.
# PORT=3000

# A URL with postgres://; required.
DATABASE_URL=postgres://example.com

# A duration with a unit; has a default.
# TIMEOUT=90s

# "debug" or "info"; optional.
# LEVEL=debug

# Text (matching /a|b/); required.
PATTERN=\`it's #1 "a"\`

# A secret; optional.
# Recommended: calls are slow without it
# TOKEN=

# Who | hears of it
# An e-mail address; optional.
# MAIL=

# True or false (or yes, no, on, off, 1, 0); has a default.
# EMBED=false

# A random key of at least 32 bytes; needed where EMBED is on.
# Make one: node -p "crypto.randomBytes(32).toString('base64url')"
# EMBED_KEY=
`);
    expect(parseEnv(stdout)).toEqual({ DATABASE_URL: "postgres://example.com", PATTERN: `it's #1 "a"` });
  });

  it("gives a command that makes a key which is accepted", async () => {
    const { stdout } = await run(["example", await service()]);
    const code = /node -p "(.*)"/.exec(stdout)?.[1] ?? "";
    const made = await new Promise<string>((resolve) => {
      execFile(process.execPath, ["-p", code], (_, printed) => resolve(printed.trim()));
    });
    expect(
      (await run(["check", await service()], { ...good, EMBED: "on", EMBED_KEY: made, NODE_ENV: "production" })).code,
    ).toBe(0);
  });

  it("writes to a file with --out", async () => {
    const out = join(folder, ".env.example");
    expect(await run(["example", await service(), "--out", out])).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(await readFile(out, "utf8")).toContain("DATABASE_URL=");
  });
});

describe("docs", () => {
  it("prints a Markdown table", async () => {
    const { code, stdout } = await run(["docs", await service()]);
    expect(code).toBe(0);
    expect(stdout.split("\n")).toEqual([
      "| Variable | What it is | Expected | Needed |",
      "|---|---|---|---|",
      "| `PORT` | Where the service listens | a port number from 1 to 65535 | default `3000` |",
      "| `DATABASE_URL` |  | a URL with postgres:// | required |",
      "| `TIMEOUT` |  | a duration with a unit | default `90s` |",
      '| `LEVEL` |  | "debug" or "info" | optional |',
      "| `PATTERN` |  | text (matching /a\\|b/) | required |",
      "| `TOKEN` (secret) |  | a secret | recommended: calls are slow without it |",
      "| `MAIL` | Who \\| hears of it | an e-mail address | optional |",
      "| `EMBED` |  | true or false (or yes, no, on, off, 1, 0) | default `false` |",
      "| `EMBED_KEY` (secret) |  | a random key of at least 32 bytes | where `EMBED` is on |",
      "",
    ]);
  });
});

describe("explain", () => {
  it("prints the table, or JSON with --json", async () => {
    const table = await run(["explain", await service()], good);
    expect(table.code).toBe(0);
    expect(table.stdout).toMatch(
      /^VARIABLE +VALUE +FROM\nPORT +3000 +default\nDATABASE_URL +postgres:\/\/db\/app +process\.env\n/,
    );
    const json = await run(["explain", await service(), "--json"], good);
    expect(JSON.parse(json.stdout).variables[0]).toMatchObject({ name: "PORT", value: "3000", isDefault: true });
  });

  it("reports and exits with 78 where there is nothing to explain", async () => {
    const { code, stdout } = await run(["explain", await service()], {});
    expect({ code, stdout }).toEqual({ code: 78, stdout: "" });
  });
});

describe("the command line", () => {
  it("prints its help when asked", async () => {
    const { code, stdout, stderr } = await run(["--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("Usage: holdfast-config COMMAND SCHEMA_FILE");
  });

  it.each([
    [["frobnicate", "x.ts"], "Unknown command: frobnicate"],
    [[], "No command given"],
    [["check"], "check takes one SCHEMA_FILE"],
    [["check", "a.ts", "b.ts"], "check takes one SCHEMA_FILE"],
    [["check", "a.ts", "--json"], "--json goes with explain"],
    [["explain", "a.ts", "--out", "b"], "--out goes with example and docs"],
    [["check", "a.ts", "--frobnicate"], "--frobnicate"],
  ])("exits with 64 and its help on %j", async (args, message) => {
    const { code, stdout, stderr } = await run(args);
    expect({ code, stdout }).toEqual({ code: 64, stdout: "" });
    expect(stderr).toContain(message);
    expect(stderr).toContain("Usage:");
  });

  it("exits with 66 where there is no such file, or no schema in it", async () => {
    expect(await run(["check", "none.ts"])).toMatchObject({ code: 66, stdout: "", stderr: "No such file: none.ts\n" });
    const empty = await schemaFile("empty.ts", "export const other = 1;");
    expect(await run(["check", empty])).toMatchObject({
      code: 66,
      stderr: expect.stringContaining("does not export `schema`"),
    });
  });
});
