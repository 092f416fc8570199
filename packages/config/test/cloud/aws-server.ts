// A stand-in for AWS, made for these tests: the two calls that our sources make, in the AWS JSON 1.1 protocol as AWS
// documents it, with the limits and refusals of the real services. It checks no signatures.

import { type Loopback, listen, type Received, type Reply } from "./loopback.ts";

export interface StoredParameter {
  readonly value: string;
  readonly version?: number;
}

export interface StoredSecret {
  readonly text?: string;
  readonly binary?: Uint8Array;
  readonly versionId?: string;
}

export interface AwsContents {
  readonly parameters?: Readonly<Record<string, StoredParameter>>;
  readonly secrets?: Readonly<Record<string, StoredSecret>>;
  /** Names for which the caller lacks permission. */
  readonly denied?: readonly string[];
}

const ACCOUNT = "eu-west-1:123456789012";

/** The ARN that the stand-in gives a secret, with its six random characters. */
export const secretArn = (name: string): string => `arn:aws:secretsmanager:${ACCOUNT}:secret:${name}-a1B2c3`;

export const parameterArn = (name: string): string => `arn:aws:ssm:${ACCOUNT}:parameter${name}`;

export function awsError(type: string, status = 400): Reply {
  return { status, body: { __type: type, message: `${type} of the stand-in` } };
}

export function listenAsAws(contents: AwsContents): Promise<Loopback> {
  return listen((request) => {
    if (!request.headers.authorization?.startsWith("AWS4-HMAC-SHA256")) return awsError("MissingAuthenticationToken");
    const input = JSON.parse(request.body) as AwsInput;
    switch (request.headers["x-amz-target"]) {
      case "AmazonSSM.GetParameters":
        return getParameters(contents, input);
      case "secretsmanager.BatchGetSecretValue":
        return batchGetSecretValue(contents, input);
      default:
        return awsError("UnknownOperationException");
    }
  });
}

interface AwsInput {
  readonly Names?: readonly string[];
  readonly WithDecryption?: boolean;
  readonly SecretIdList?: readonly string[];
}

/** The names that a request asked for, of either service. */
export function namesAsked(request: Received): readonly string[] {
  const { Names, SecretIdList } = JSON.parse(request.body) as AwsInput;
  return Names ?? SecretIdList ?? [];
}

function getParameters({ parameters = {}, denied = [] }: AwsContents, input: AwsInput): Reply {
  const { Names: names = [], WithDecryption: decrypt = false } = input;
  if (names.length > 10 || new Set(names).size < names.length) return awsError("ValidationException");
  if (names.some((name) => denied.includes(name))) return awsError("AccessDeniedException");
  const found = [];
  const invalid = [];
  for (const asked of names) {
    const plain = asked.startsWith("arn:") ? asked.slice(parameterArn("").length) : asked;
    const [name = "", selector] = plain.split(":");
    const stored = parameters[name];
    if (!stored) invalid.push(asked);
    else {
      found.push({
        Name: name,
        ARN: parameterArn(name),
        Type: "SecureString",
        Value: decrypt ? stored.value : "AQICAHcipher",
        Version: stored.version ?? 1,
        ...(selector !== undefined && { Selector: `:${selector}` }),
      });
    }
  }
  return { body: { Parameters: found, InvalidParameters: invalid } };
}

function batchGetSecretValue({ secrets = {}, denied = [] }: AwsContents, input: AwsInput): Reply {
  const { SecretIdList: ids = [] } = input;
  if (ids.length > 20) return awsError("InvalidParameterException");
  const values = [];
  const errors = [];
  for (const id of ids) {
    const name = Object.keys(secrets).find((key) => [key, secretArn(key), secretArn(key).slice(0, -7)].includes(id));
    const stored = secrets[name ?? ""];
    if (denied.includes(id)) errors.push({ SecretId: id, ErrorCode: "AccessDeniedException", Message: "no" });
    else if (!name || !stored) errors.push({ SecretId: id, ErrorCode: "ResourceNotFoundException", Message: "no" });
    else {
      values.push({
        Name: name,
        ARN: secretArn(name),
        VersionId: stored.versionId ?? "v1",
        SecretString: stored.text,
        SecretBinary: stored.binary && Buffer.from(stored.binary).toString("base64"),
      });
    }
  }
  return { body: { SecretValues: values, Errors: errors } };
}
