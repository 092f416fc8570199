import { execFile } from "node:child_process";
import { serverUrl } from "@holdfast/testing";
import pg from "pg";
import { describe, expect, it } from "vitest";
import { createApiKeys } from "../src/index.ts";
import { postgresKeyStore } from "../src/stores/postgres.ts";

const cli = new URL("../src/cli.ts", import.meta.url).pathname;

function run(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  input = "",
): Promise<[unknown, string, string]> {
  const { promise, resolve } = Promise.withResolvers<[unknown, string, string]>();
  const child = execFile(process.execPath, [cli, ...args], { env: { ...env } }, (error, stdout, stderr) =>
    resolve([error?.code ?? 0, stdout, stderr]),
  );
  child.stdin?.end(input);
  return promise;
}

describe("the command line on Postgres", () => {
  it("makes a key that the service accepts, lists, rotates and revokes it", async () => {
    const url = serverUrl("postgres");
    const schema = `cli_${process.pid}`;
    const env = {
      DATABASE_URL: url,
      API_KEY_PREFIX: "acme",
      API_KEY_PEPPERS: `p1:${Buffer.alloc(32, "abc").toString("base64url")}`,
    };
    const create = ["create", "--name", "export", "--owner", "ann", "--scope", "datasets:read", "--schema", schema];

    const [, , missing] = await run(create, env);
    expect(missing).toContain("api_key");
    const [code, made, told] = await run([...create, "--ensure-schema"], env);
    expect([code, told]).toEqual([0, expect.stringContaining("It is not shown again.")]);

    const client = new pg.Pool({ connectionString: url, max: 2 });
    const peppers = [{ id: "p1", key: Buffer.alloc(32, "abc") }];
    const keys = createApiKeys({ store: postgresKeyStore({ client, schema }), prefix: "acme", peppers });
    const verified = await keys.verify(made.trim(), { scope: "datasets:read" });
    if (!verified.ok) throw new Error(verified.reason);
    const { id } = verified.key;

    expect((await run(["list", "--schema", schema], env))[1]).toContain(id);
    const [, successor] = await run(["rotate", id, "--schema", schema, "--grace", "0s"], env);
    expect(await keys.verify(made.trim())).toMatchObject({ ok: false, reason: "expired" });
    expect(await keys.verify(successor.trim())).toMatchObject({ ok: true, key: { owner: "ann" } });
    await run(["revoke", successor.slice(10, 22), "--schema", schema], env);
    expect(await keys.verify(successor.trim())).toMatchObject({ ok: false, reason: "revoked" });
    await keys.close();
    await client.end();
  });

  it("exits with 69 where Postgres is away, and does not print where that is", async () => {
    const [code, stdout, stderr] = await run(["list"], { DATABASE_URL: "postgres://ann:sesame@127.0.0.1:1/app" });
    expect([code, stdout]).toEqual([69, ""]);
    expect(stderr).not.toContain("sesame");
  });

  it("reads a key to hash from standard input", async () => {
    const [code, stdout] = await run(["hash", "--name", "reports"], {}, "hunter2\n");
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^sha256:reports:[0-9a-f]{64}\n$/)]);
  });
});
