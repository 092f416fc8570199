import { inspect } from "node:util";
import { SecretManagerServiceClient } from "@google-cloud/secret-manager";
import { afterEach, expect, test, vi } from "vitest";
import { gcpSecrets } from "../../src/sources/gcp-secret-manager.ts";
import { gcpClient, gcpError, listenAsGcp, secretAsked } from "./gcp-server.ts";
import { failureOf, load } from "./loopback.ts";

const SECRET = "hunter2-of-the-secret-manager";
const project = "acme-prod";

const variables = (count: number): string[] => Array.from({ length: count }, (_, n) => `VAR_${n}`);

afterEach(() => {
  vi.unstubAllEnvs();
});

test("finds a variable in the latest version of the secret of its name, and leaves one without a secret undefined", async () => {
  await using gcp = await listenAsGcp({ "app-API_KEY": { data: SECRET, version: 7 } });
  const source = gcpSecrets({ client: gcpClient(gcp), project, prefix: "app-" });
  expect(source.name).toBe("gcp:projects/acme-prod/secrets/app-");
  expect(await load(source, ["API_KEY", "PORT"])).toEqual({
    API_KEY: { value: SECRET, origin: "gcp:projects/acme-prod/secrets/app-API_KEY", version: "7" },
    PORT: undefined,
  });
  expect(gcp.received.map(({ path }) => path.split("?")[0]).sort()).toEqual([
    "/v1/projects/acme-prod/secrets/app-API_KEY/versions/latest:access",
    "/v1/projects/acme-prod/secrets/app-PORT/versions/latest:access",
  ]);
});

test("asks for the version that it is told to", async () => {
  await using gcp = await listenAsGcp({ A: { data: "1" } });
  await load(gcpSecrets({ client: gcpClient(gcp), project, version: "42" }), ["A"]);
  expect(gcp.received[0]?.path).toContain("/versions/42:access");
});

test("asks only for what the map lists, and once for a secret of several variables", async () => {
  await using gcp = await listenAsGcp({ db: { data: `{"user":"app","password":"${SECRET}"}` } });
  const names = { DB_USER: "db#user", DB_PASSWORD: "db#password" };
  const found = await load(gcpSecrets({ client: gcpClient(gcp), project, names }), ["DB_USER", "DB_PASSWORD", "PORT"]);
  expect(found).toMatchObject({ DB_USER: { value: "app" }, DB_PASSWORD: { value: SECRET } });
  expect(gcp.received.map(secretAsked)).toEqual(["db"]);
});

test("has eight calls under way at once, and never a ninth", async () => {
  await using gcp = await listenAsGcp({});
  const release = gcp.hold();
  const loading = load(gcpSecrets({ client: gcpClient(gcp), project }), variables(20));
  await gcp.arrived(8);
  release();
  await loading;
  expect(gcp.received).toHaveLength(20);
  expect(gcp.peak).toBe(8);
});

test("does not take a denied or disabled secret for absent, and reads the others", async () => {
  await using gcp = await listenAsGcp({
    A: { data: "1" },
    DENIED: gcpError(403, "PERMISSION_DENIED", `no, ${SECRET}`),
    DISABLED: gcpError(400, "FAILED_PRECONDITION"),
  });
  const found = await load(gcpSecrets({ client: gcpClient(gcp), project }), ["A", "DENIED", "DISABLED"]);
  expect(found).toMatchObject({
    A: { value: "1" },
    DENIED: { problem: "could not be read: PERMISSION_DENIED" },
    DISABLED: { problem: "could not be read: FAILED_PRECONDITION" },
  });
});

test("does not take a proxy's 404 page for the word that a secret is absent", async () => {
  await using gcp = await listenAsGcp({ A: { status: 404, body: "<html>no such host</html>" } });
  await expect(load(gcpSecrets({ client: gcpClient(gcp), project }), ["A"])).rejects.toThrow("NOT_FOUND (A)");
});

test("rejects when no call was answered, naming the status", async () => {
  await using gcp = await listenAsGcp({
    A: gcpError(401, "UNAUTHENTICATED", SECRET),
    B: gcpError(401, "UNAUTHENTICATED", SECRET),
  });
  const error = await failureOf(load(gcpSecrets({ client: gcpClient(gcp), project }), ["A", "B"]));
  expect(String(error)).toContain("UNAUTHENTICATED (A, B)");
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(SECRET);
});

test("rejects when the client has no credentials, and lets no rejection go unhandled", async () => {
  vi.stubEnv("METADATA_SERVER_DETECTION", "none");
  vi.stubEnv("GOOGLE_APPLICATION_CREDENTIALS", "");
  vi.stubEnv("HOME", import.meta.dirname);
  const client = new SecretManagerServiceClient({ fallback: true, apiEndpoint: "127.0.0.1", projectId: "stand-in" });
  await expect(load(gcpSecrets({ client, project }), ["A"])).rejects.toThrow(
    "the client could not be initialized, it may lack credentials (A)",
  );
});

test.each([
  ["an unavailable service", gcpError(503, "UNAVAILABLE")],
  ["an exhausted quota", gcpError(429, "RESOURCE_EXHAUSTED")],
  ["a cut connection", "cut" as const],
])("leaves %s to the client's own retry", async (_, fault) => {
  await using gcp = await listenAsGcp({ A: { data: "1" } });
  gcp.failNext(fault);
  expect(await load(gcpSecrets({ client: gcpClient(gcp), project }), ["A"])).toMatchObject({ A: { value: "1" } });
  expect(gcp.received).toHaveLength(2);
});

test("tells nothing of an answer that is not JSON", async () => {
  await using gcp = await listenAsGcp({ A: { body: `${SECRET} is no JSON` } });
  const error = await failureOf(load(gcpSecrets({ client: gcpClient(gcp, 200), project }), ["A"]));
  expect(String(error)).toContain("(A)");
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(SECRET);
});

test.each([
  ["digits", "123456789", 0xe3069283],
  ["zeroes", "\0".repeat(32), 0x8a9136aa],
  ["an ascending row", String.fromCharCode(...Array(32).keys()), 0x46dd794e],
])(
  "takes a payload of %s with its CRC-32C, and reports one that was damaged on the way",
  async (_, whole, checksum) => {
    const crc32c = checksum.toString();
    const damaged = Array.from({ length: 7 }, (_, bit) => {
      const bytes = Buffer.from(whole);
      bytes[bit] = (bytes[bit] ?? 0) ^ (1 << bit);
      return [`DAMAGED_${bit}`, { data: bytes, crc32c }] as const;
    });
    await using gcp = await listenAsGcp({ WHOLE: { data: whole, crc32c }, ...Object.fromEntries(damaged) });
    const names = damaged.map(([name]) => name);
    const found = await load(gcpSecrets({ client: gcpClient(gcp), project }), ["WHOLE", ...names]);
    expect(found).toMatchObject({ WHOLE: { value: whole } });
    for (const name of names) {
      expect(found[name]).toMatchObject({ problem: "arrived damaged: its payload does not match its checksum" });
    }
  },
);

test("reports a secret that is not text", async () => {
  await using gcp = await listenAsGcp({ KEY: { data: Uint8Array.of(0xff, 0xfe, 0) } });
  const found = await load(gcpSecrets({ client: gcpClient(gcp), project }), ["KEY"]);
  expect(found).toMatchObject({ KEY: { problem: "is not UTF-8 text" } });
});

test("rejects with the signal's reason as soon as it aborts, and ends the calls", async () => {
  await using gcp = await listenAsGcp({});
  gcp.hold();
  const controller = new AbortController();
  const loading = load(gcpSecrets({ client: gcpClient(gcp), project }), variables(20), controller.signal);
  await gcp.arrived(8);
  const reason = new Error("time is up");
  controller.abort(reason);
  expect(await failureOf(loading)).toBe(reason);
  await gcp.givenUp(8);
  expect(gcp.received).toHaveLength(8);
});
