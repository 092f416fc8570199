import { inspect } from "node:util";
import { SecretsManager } from "@aws-sdk/client-secrets-manager";
import { expect, test } from "vitest";
import { secretsManager } from "../../src/sources/aws-secrets-manager.ts";
import { awsError, listenAsAws, namesAsked, secretArn } from "./aws-server.ts";
import { failureOf, load } from "./loopback.ts";

const SECRET = "hunter2-of-the-secrets-manager";

function clientOf({ url }: { readonly url: string }, maxAttempts = 1): SecretsManager {
  const credentials = { accessKeyId: "AKIATEST", secretAccessKey: "not-a-real-key" };
  return new SecretsManager({ endpoint: url, region: "eu-west-1", credentials, maxAttempts });
}

const variables = (count: number): string[] => Array.from({ length: count }, (_, n) => `VAR_${n}`);

test("finds a variable in the secret of its name under the prefix, and leaves one without a secret undefined", async () => {
  await using aws = await listenAsAws({ secrets: { "prod/app/API_KEY": { text: SECRET, versionId: "9f2c" } } });
  const source = secretsManager({ client: clientOf(aws), prefix: "prod/app/" });
  expect(source.name).toBe("secretsmanager:prod/app/");
  expect(await load(source, ["API_KEY", "PORT"])).toEqual({
    API_KEY: { value: SECRET, origin: "secretsmanager:prod/app/API_KEY", version: "9f2c" },
    PORT: undefined,
  });
});

test("asks for twenty at a time: 45 variables are three calls, and no name but the declared", async () => {
  await using aws = await listenAsAws({ secrets: { "a/UNDECLARED": { text: SECRET } } });
  await load(secretsManager({ client: clientOf(aws), prefix: "a/" }), variables(45));
  expect(aws.received.map((request) => namesAsked(request).length).sort()).toEqual([20, 20, 5]);
  expect(aws.received.flatMap(namesAsked).sort()).toEqual(
    variables(45)
      .map((name) => `a/${name}`)
      .sort(),
  );
});

test("has four calls under way at once, and never a fifth", async () => {
  await using aws = await listenAsAws({});
  const release = aws.hold();
  const loading = load(secretsManager({ client: clientOf(aws) }), variables(120));
  await aws.arrived(4);
  release();
  await loading;
  expect(aws.received).toHaveLength(6);
  expect(aws.peak).toBe(4);
});

test("asks for a JSON secret once, however many variables it holds", async () => {
  const text = JSON.stringify({ username: "app", password: SECRET, port: 5432, tls: true, options: { a: [1] } });
  await using aws = await listenAsAws({ secrets: { "prod/db": { text } } });
  const names = {
    DB_USER: "prod/db#username",
    DB_PASSWORD: "prod/db#password",
    DB_PORT: "prod/db#port",
    DB_TLS: "prod/db#tls",
    DB_OPTIONS: "prod/db#options",
    DB_JSON: "prod/db",
  };
  expect(await load(secretsManager({ client: clientOf(aws), names }), Object.keys(names))).toMatchObject({
    DB_USER: { value: "app" },
    DB_PASSWORD: { value: SECRET, origin: "secretsmanager:prod/db#password" },
    DB_PORT: { value: "5432" },
    DB_TLS: { value: "true" },
    DB_OPTIONS: { value: '{"a":[1]}' },
    DB_JSON: { value: text, origin: "secretsmanager:prod/db" },
  });
  expect(aws.received.map(namesAsked)).toEqual([["prod/db"]]);
});

test("leaves a field that is missing, null or inherited undefined", async () => {
  await using aws = await listenAsAws({ secrets: { db: { text: '{"here":null}' } } });
  const names = { NONE: "db#nowhere", NULL: "db#here", INHERITED: "db#constructor" };
  const found = await load(secretsManager({ client: clientOf(aws), names }), Object.keys(names));
  expect(found).toEqual({ NONE: undefined, NULL: undefined, INHERITED: undefined });
});

test.each([
  ["text", SECRET],
  ["an array", `["${SECRET}"]`],
  ["text cut short", `{"password":"${SECRET}`],
])("reports a field of a secret that is %s, without quoting it", async (_, text) => {
  await using aws = await listenAsAws({ secrets: { db: { text } } });
  const found = await load(secretsManager({ client: clientOf(aws), names: { PW: "db#password" } }), ["PW"]);
  const problem = "names a field of an entry that is not a JSON object";
  expect(found).toEqual({ PW: { problem, origin: "secretsmanager:db#password" } });
});

test("reports a number that JavaScript would round, instead of handing on another number", async () => {
  await using aws = await listenAsAws({ secrets: { s: { text: '{"id":12345678901234567890}' } } });
  const found = await load(secretsManager({ client: clientOf(aws), names: { ID: "s#id" } }), ["ID"]);
  expect(found).toMatchObject({ ID: { problem: expect.stringContaining("store it as a string") } });
});

test("hands on a binary secret as base64", async () => {
  const binary = Uint8Array.of(0, 255, 128, 10);
  await using aws = await listenAsAws({ secrets: { KEY: { binary } } });
  expect(await load(secretsManager({ client: clientOf(aws) }), ["KEY"])).toMatchObject({ KEY: { value: "AP+ACg==" } });
});

test("knows the answer to an ARN, whole or without its six random characters", async () => {
  await using aws = await listenAsAws({ secrets: { one: { text: "1" }, two: { text: "2" } } });
  const names = { ONE: secretArn("one"), TWO: secretArn("two").slice(0, -7) };
  const found = await load(secretsManager({ client: clientOf(aws), names }), ["ONE", "TWO"]);
  expect(found).toMatchObject({ ONE: { value: "1" }, TWO: { value: "2" } });
});

test("does not take a denied secret for absent, and reads those asked for with it", async () => {
  await using aws = await listenAsAws({ secrets: { A: { text: "1" } }, denied: ["B"] });
  expect(await load(secretsManager({ client: clientOf(aws) }), ["A", "B", "C"])).toEqual({
    A: { value: "1", origin: "secretsmanager:A", version: "v1" },
    B: { problem: "could not be read: AccessDeniedException", origin: "secretsmanager:B" },
    C: undefined,
  });
});

test.each(["DecryptionFailure", "InvalidRequestException", "InternalServiceError"])(
  "reports %s of one secret as the problem of its variable",
  async (code) => {
    await using aws = await listenAsAws({});
    aws.failNext({ body: { SecretValues: [], Errors: [{ SecretId: "A", ErrorCode: code, Message: SECRET }] } });
    const found = await load(secretsManager({ client: clientOf(aws) }), ["A"]);
    expect(found).toEqual({ A: { problem: `could not be read: ${code}`, origin: "secretsmanager:A" } });
  },
);

test("reads the other batches when one call fails", async () => {
  await using aws = await listenAsAws({ secrets: { VAR_20: { text: "1" } } });
  aws.failNext(awsError("InternalServiceError", 500));
  const source = secretsManager({ client: clientOf(aws) });
  const results = Object.values(await load(source, variables(21)));
  const problem = expect.stringMatching(/^could not be read: InternalServiceError, HTTP 500/);
  // Either of the two calls may come first.
  const failed = results.filter((result) => typeof result === "object" && "problem" in result);
  expect([1, 20]).toContain(failed.length);
  for (const result of failed) expect(result).toMatchObject({ problem });
});

test("does not take a secret that the answer leaves out for absent", async () => {
  await using aws = await listenAsAws({});
  aws.failNext({ body: {} });
  await expect(load(secretsManager({ client: clientOf(aws) }), ["A"])).rejects.toThrow("the answer leaves it out (A)");
});

test("rejects when the whole call is refused", async () => {
  await using aws = await listenAsAws({});
  aws.failNext(awsError("AccessDeniedException"));
  await expect(load(secretsManager({ client: clientOf(aws) }), ["A"])).rejects.toThrow(
    "AccessDeniedException, HTTP 400 (A)",
  );
});

test.each([
  ["a server error", awsError("InternalServiceError", 500)],
  ["throttling", awsError("ThrottlingException")],
  ["a cut connection", "cut" as const],
])("leaves %s to the client's own retry", async (_, fault) => {
  await using aws = await listenAsAws({ secrets: { A: { text: "1" } } });
  aws.failNext(fault);
  expect(await load(secretsManager({ client: clientOf(aws, 3) }), ["A"])).toMatchObject({ A: { value: "1" } });
  expect(aws.received).toHaveLength(2);
});

test("tells nothing of an answer that is not JSON", async () => {
  await using aws = await listenAsAws({});
  aws.failNext({ body: `${SECRET} is no JSON` });
  const error = await failureOf(load(secretsManager({ client: clientOf(aws) }), ["A"]));
  expect(String(error)).toMatch(/SyntaxError.* \(A\)/);
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(SECRET);
});

test("rejects with the signal's reason as soon as it aborts, and ends the call", async () => {
  await using aws = await listenAsAws({});
  aws.failNext("hang");
  const controller = new AbortController();
  const loading = load(secretsManager({ client: clientOf(aws, 3) }), ["A"], controller.signal);
  await aws.arrived(1);
  const reason = new Error("time is up");
  controller.abort(reason);
  expect(await failureOf(loading)).toBe(reason);
  await aws.givenUp(1);
});
