import { inspect } from "node:util";
import { SSM } from "@aws-sdk/client-ssm";
import { expect, test } from "vitest";
import { ssmParameters } from "../../src/sources/aws-ssm.ts";
import { awsError, listenAsAws, namesAsked, parameterArn } from "./aws-server.ts";
import { failureOf, load } from "./loopback.ts";

const SECRET = "hunter2-of-the-parameter-store";

function clientOf({ url }: { readonly url: string }, maxAttempts = 1): SSM {
  const credentials = { accessKeyId: "AKIATEST", secretAccessKey: "not-a-real-key" };
  return new SSM({ endpoint: url, region: "eu-west-1", credentials, maxAttempts });
}

const variables = (count: number): string[] => Array.from({ length: count }, (_, n) => `VAR_${n}`);

test("finds a variable under the prefix, decrypted, with its origin and version", async () => {
  await using aws = await listenAsAws({ parameters: { "/prod/app/DB_URL": { value: SECRET, version: 3 } } });
  const source = ssmParameters({ client: clientOf(aws), prefix: "/prod/app/" });
  expect(source.name).toBe("ssm:/prod/app/");
  expect(await load(source, ["DB_URL"])).toEqual({
    DB_URL: { value: SECRET, origin: "ssm:/prod/app/DB_URL", version: "3" },
  });
});

test("leaves a parameter that does not exist undefined", async () => {
  await using aws = await listenAsAws({ parameters: { "/a/HERE": { value: "1" } } });
  const found = await load(ssmParameters({ client: clientOf(aws), prefix: "/a/" }), ["HERE", "GONE"]);
  expect(found).toEqual({ HERE: { value: "1", origin: "ssm:/a/HERE", version: "1" }, GONE: undefined });
});

test("asks for ten at a time: 25 variables are three calls, and no name but the declared", async () => {
  await using aws = await listenAsAws({ parameters: { "/a/UNDECLARED": { value: SECRET } } });
  await load(ssmParameters({ client: clientOf(aws), prefix: "/a/" }), variables(25));
  expect(aws.received.map((request) => namesAsked(request).length).sort()).toEqual([10, 10, 5]);
  expect(aws.received.flatMap(namesAsked).sort()).toEqual(
    variables(25)
      .map((name) => `/a/${name}`)
      .sort(),
  );
});

test("has four calls under way at once, and never a fifth", async () => {
  await using aws = await listenAsAws({});
  const release = aws.hold();
  const loading = load(ssmParameters({ client: clientOf(aws), prefix: "/a/" }), variables(70));
  await aws.arrived(4);
  release();
  await loading;
  expect(aws.received).toHaveLength(7);
  expect(aws.peak).toBe(4);
});

test("makes no call when it has no variable to ask for", async () => {
  await using aws = await listenAsAws({});
  const source = ssmParameters({ client: clientOf(aws), names: { DB_URL: "/prod/db/url" } });
  expect(await load(source, ["PORT"])).toEqual({});
  expect(aws.received).toEqual([]);
});

test("takes names from the map, and asks for a parameter of two variables once", async () => {
  await using aws = await listenAsAws({ parameters: { "/shared/db": { value: '{"user":"u","password":"p"}' } } });
  const names = { DB_USER: "db#user", DB_PASSWORD: "db#password" };
  const source = ssmParameters({ client: clientOf(aws), prefix: "/shared/", names });
  expect(await load(source, ["DB_USER", "DB_PASSWORD", "PORT"])).toEqual({
    DB_USER: { value: "u", origin: "ssm:/shared/db#user", version: "1" },
    DB_PASSWORD: { value: "p", origin: "ssm:/shared/db#password", version: "1" },
  });
  expect(aws.received.flatMap(namesAsked)).toEqual(["/shared/db"]);
});

test("knows the answer to a version, a label and an ARN as what it asked for", async () => {
  await using aws = await listenAsAws({
    parameters: { "/x": { value: "1" }, "/y": { value: "2" }, "/z": { value: "3" } },
  });
  const names = { X: "/x:7", Y: "/y:stable", Z: parameterArn("/z") };
  const found = await load(ssmParameters({ client: clientOf(aws), names }), ["X", "Y", "Z"]);
  expect(found).toMatchObject({ X: { value: "1" }, Y: { value: "2" }, Z: { value: "3" } });
});

test("does not take a denied parameter, nor those asked for with it, for absent", async () => {
  await using aws = await listenAsAws({ denied: ["/a/VAR_3"] });
  const found = await load(ssmParameters({ client: clientOf(aws), prefix: "/a/" }), variables(12));
  const problem = "could not be read: AccessDeniedException, HTTP 400, for all 10 entries of one call";
  expect(found).toMatchObject({
    VAR_0: { problem, origin: "ssm:/a/VAR_0" },
    VAR_3: { problem, origin: "ssm:/a/VAR_3" },
    VAR_11: undefined,
  });
});

test("rejects when no call was answered, naming code, status and entries", async () => {
  await using aws = await listenAsAws({ denied: ["/a/A"] });
  const source = ssmParameters({ client: clientOf(aws), prefix: "/a/" });
  await expect(load(source, ["A", "B", "C", "D"])).rejects.toThrow(
    "AccessDeniedException, HTTP 400, for all 4 entries of one call (/a/A, /a/B, /a/C and 1 more)",
  );
});

test("does not take a parameter that the answer leaves out for absent", async () => {
  await using aws = await listenAsAws({ parameters: { "/a/B": { value: "1" } } });
  aws.failNext({ body: { Parameters: [{ Name: "/a/B", Value: "1", Version: 1 }], InvalidParameters: [] } });
  const found = await load(ssmParameters({ client: clientOf(aws), prefix: "/a/" }), ["A", "B"]);
  expect(found).toEqual({
    A: { problem: "could not be read: the answer leaves it out", origin: "ssm:/a/A" },
    B: { value: "1", origin: "ssm:/a/B", version: "1" },
  });
});

test.each([
  ["a server error", awsError("InternalServerError", 500)],
  ["throttling", awsError("ThrottlingException")],
  ["a cut connection", "cut" as const],
])("leaves %s to the client's own retry", async (_, fault) => {
  await using aws = await listenAsAws({ parameters: { "/a/A": { value: "1" } } });
  aws.failNext(fault);
  const found = await load(ssmParameters({ client: clientOf(aws, 3), prefix: "/a/" }), ["A"]);
  expect(found).toMatchObject({ A: { value: "1" } });
  expect(aws.received).toHaveLength(2);
});

test("loads again after a load that failed", async () => {
  await using aws = await listenAsAws({ parameters: { "/a/A": { value: "1" } } });
  const source = ssmParameters({ client: clientOf(aws), prefix: "/a/" });
  aws.failNext("cut");
  await expect(load(source, ["A"])).rejects.toThrow("ECONNRESET (/a/A)");
  expect(await load(source, ["A"])).toMatchObject({ A: { value: "1" } });
});

test("tells nothing of an answer that is not JSON", async () => {
  await using aws = await listenAsAws({});
  aws.failNext({ body: `${SECRET} is no JSON` });
  const error = await failureOf(load(ssmParameters({ client: clientOf(aws), prefix: "/a/" }), ["A"]));
  expect(String(error)).toMatch(/SyntaxError.* \(\/a\/A\)/);
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(SECRET);
});

test("rejects with the signal's reason as soon as it aborts, and ends the call", async () => {
  await using aws = await listenAsAws({});
  aws.failNext("hang");
  const controller = new AbortController();
  const loading = load(ssmParameters({ client: clientOf(aws, 3), prefix: "/a/" }), ["A"], controller.signal);
  await aws.arrived(1);
  const reason = new Error("time is up");
  controller.abort(reason);
  expect(await failureOf(loading)).toBe(reason);
  await aws.givenUp(1);
});

test("makes no further call once the signal has aborted", async () => {
  await using aws = await listenAsAws({});
  const release = aws.hold();
  const controller = new AbortController();
  const loading = load(ssmParameters({ client: clientOf(aws), prefix: "/a/" }), variables(70), controller.signal);
  await aws.arrived(4);
  controller.abort();
  await failureOf(loading);
  await aws.givenUp(4);
  release();
  expect(aws.received).toHaveLength(4);
});
