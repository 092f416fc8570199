import { inspect } from "node:util";
import vault from "node-vault";
import { expect, test } from "vitest";
import { vaultKv } from "../../src/sources/vault.ts";
import { failureOf, load } from "./loopback.ts";
import { listenAsVault, pathAsked, TOKEN, vaultError } from "./vault-server.ts";

const SECRET = "hunter2-of-the-vault";

const clientOf = ({ url }: { readonly url: string }): vault.client => vault({ endpoint: url, token: TOKEN });

test("finds variables in the keys of one secret, in one read", async () => {
  await using server = await listenAsVault({ kv2: { secret: { app: { DB_URL: SECRET, PORT: 8080, OTHER: "x" } } } });
  const source = vaultKv({ client: clientOf(server), path: "app" });
  expect(source.name).toBe("vault:secret/app");
  expect(await load(source, ["DB_URL", "PORT", "GONE"])).toEqual({
    DB_URL: { value: SECRET, origin: "vault:secret/app#DB_URL", version: "3" },
    PORT: { value: "8080", origin: "vault:secret/app#PORT", version: "3" },
    GONE: undefined,
  });
  expect(server.received.map(pathAsked)).toEqual(["/secret/data/app"]);
});

test("takes variables from the secrets that the map lists, each read once", async () => {
  const app = { db: { password: SECRET, user: "u" }, "smtp/relay": { SMTP_PASSWORD: "s" } };
  await using server = await listenAsVault({ kv2: { apps: app } });
  const names = { DB_PASSWORD: "db#password", DB_USER: "db#user", SMTP_PASSWORD: "smtp/relay" };
  const source = vaultKv({ client: clientOf(server), mount: "apps", names });
  expect(await load(source, ["DB_PASSWORD", "DB_USER", "SMTP_PASSWORD", "PORT"])).toMatchObject({
    DB_PASSWORD: { value: SECRET, origin: "vault:apps/db#password" },
    DB_USER: { value: "u" },
    SMTP_PASSWORD: { value: "s", origin: "vault:apps/smtp/relay#SMTP_PASSWORD" },
  });
  expect(server.received.map(pathAsked).sort()).toEqual(["/apps/data/db", "/apps/data/smtp/relay"]);
});

test("reads version 1 of the engine, which has no versions", async () => {
  await using server = await listenAsVault({ kv1: { kv: { app: { DB_URL: SECRET } } } });
  const source = vaultKv({ client: clientOf(server), mount: "kv", kvVersion: 1, path: "app" });
  expect(await load(source, ["DB_URL"])).toEqual({ DB_URL: { value: SECRET, origin: "vault:kv/app#DB_URL" } });
  expect(server.received.map(pathAsked)).toEqual(["/kv/app"]);
});

test.each([
  ["does not exist, in version 2", { kv2: { secret: {} } }, 2],
  ["does not exist, in version 1", { kv1: { secret: {} } }, 1],
  ["is deleted", { kv2: { secret: {} }, deleted: ["secret/app"] }, 2],
] as const)("takes a secret that %s for absent", async (_, contents, kvVersion) => {
  await using server = await listenAsVault(contents);
  const source = vaultKv({ client: clientOf(server), kvVersion, path: "app" });
  expect(await load(source, ["DB_URL"])).toEqual({ DB_URL: undefined });
});

test.each([
  ["the mount does not exist", { kv2: {} }, 2],
  ["the engine is of version 2, not 1", { kv2: { secret: {} } }, 1],
] as const)("does not take a secret for absent when %s", async (_, contents, kvVersion) => {
  await using server = await listenAsVault(contents);
  const source = vaultKv({ client: clientOf(server), kvVersion, path: "app" });
  await expect(load(source, ["DB_URL"])).rejects.toThrow("HTTP 404, for a wrong mount or kvVersion (app)");
});

test("does not take a proxy's 404 page for the word that a secret is absent", async () => {
  await using server = await listenAsVault({});
  server.failNext({ status: 404, headers: { "content-type": "text/html" }, body: "<html></html>" });
  await expect(load(vaultKv({ client: clientOf(server), path: "app" }), ["A"])).rejects.toThrow("HTTP 404");
});

test("does not take a denied secret for absent, and reads the others", async () => {
  await using server = await listenAsVault({ kv2: { secret: { a: { A: "1" } } }, denied: ["secret/b"] });
  const names = { A: "a", B: "b" };
  expect(await load(vaultKv({ client: clientOf(server), names }), ["A", "B"])).toEqual({
    A: { value: "1", origin: "vault:secret/a#A", version: "3" },
    B: { problem: "could not be read: HTTP 403", origin: "vault:secret/b#B" },
  });
});

test.each([
  ["an expired token", vaultError(403, `permission denied, ${SECRET}`), "HTTP 403 (app)"],
  ["a sealed Vault", vaultError(503, "Vault is sealed"), "HTTP 503 (app)"],
  ["an exhausted quota", vaultError(429, "request path: rate limit quota exceeded"), "HTTP 429 (app)"],
  ["a cut connection", "cut" as const, "ECONNRESET (app)"],
  ["an answer that is not JSON", { body: `${SECRET} is no JSON` }, "the answer is no secret (app)"],
  ["an answer of another form", { body: { data: SECRET } }, "the answer is no secret (app)"],
])("rejects on %s with neither value nor token in the error, and loads again later", async (_, fault, message) => {
  await using server = await listenAsVault({ kv2: { secret: { app: { A: "1" } } } });
  const source = vaultKv({ client: clientOf(server), path: "app" });
  server.failNext(fault);
  const error = await failureOf(load(source, ["A"]));
  expect(String(error)).toContain(message);
  const everything = inspect(error, { depth: 9, showHidden: true });
  expect(everything).not.toContain(SECRET);
  expect(everything).not.toContain(TOKEN);
  expect(await load(source, ["A"])).toMatchObject({ A: { value: "1" } });
});

test("has eight reads under way at once, and never a ninth", async () => {
  await using server = await listenAsVault({ kv2: { secret: {} } });
  const names = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`VAR_${n}`, `path-${n}`]));
  const release = server.hold();
  const loading = load(vaultKv({ client: clientOf(server), names }), Object.keys(names));
  await server.arrived(8);
  release();
  await loading;
  expect(server.received).toHaveLength(20);
  expect(server.peak).toBe(8);
});

test("rejects with the signal's reason as soon as it aborts, though the client can't stop", async () => {
  await using server = await listenAsVault({});
  server.failNext("hang");
  const controller = new AbortController();
  const loading = load(vaultKv({ client: clientOf(server), path: "app" }), ["A"], controller.signal);
  await server.arrived(1);
  const reason = new Error("time is up");
  controller.abort(reason);
  expect(await failureOf(loading)).toBe(reason);
});

test("has the client end a read at the source's own deadline, so that none outlives it for long", async () => {
  const timeouts: number[] = [];
  const client = {
    read: async (_path: string, options: { timeout: number }) => {
      timeouts.push(options.timeout);
      return { data: { data: { A: "1" }, metadata: { version: 1 } } };
    },
  };
  await load(vaultKv({ client, path: "app" }), ["A"]);
  await load(vaultKv({ client, path: "app", timeoutMs: 1500 }), ["A"]);
  expect(timeouts).toEqual([10_000, 1500]);
});
