// Variables from the secrets of AWS Secrets Manager, whole or by field of a JSON secret.

import type { Source } from "../source.ts";
import { type Answer, locateByName, type RemoteOptions, remoteSource } from "./remote.ts";

// What one BatchGetSecretValue call takes
// (https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_BatchGetSecretValue.html).
const SECRETS_PER_CALL = 20;

/** What the source needs of a client; `new SecretsManager({})` of `@aws-sdk/client-secrets-manager` fits. */
export interface SecretsManagerClient {
  batchGetSecretValue(
    request: { SecretIdList: string[] },
    options: { abortSignal: AbortSignal },
  ): Promise<{
    readonly SecretValues?:
      | readonly {
          readonly Name?: string | undefined;
          readonly ARN?: string | undefined;
          readonly VersionId?: string | undefined;
          readonly SecretString?: string | undefined;
          readonly SecretBinary?: Uint8Array | undefined;
        }[]
      | undefined;
    readonly Errors?:
      | readonly { readonly SecretId?: string | undefined; readonly ErrorCode?: string | undefined }[]
      | undefined;
  }>;
}

export interface SecretsManagerOptions extends RemoteOptions {
  readonly client: SecretsManagerClient;
}

/**
 * Reads each declared variable from the secret of its name under `prefix`, or from the one that `names` gives: a name or
 * an ARN, with `#field` for a field of a JSON secret. A secret is asked for once, however many variables it holds; twenty
 * a call, four calls at a time. A binary secret arrives as base64, as the AWS command line prints it.
 *
 * @example
 * secretsManager({ client: new SecretsManager({}), names: { DB_USER: "prod/db#username", DB_PASSWORD: "prod/db#password" } });
 */
export function secretsManager(options: SecretsManagerOptions): Source {
  const { client, prefix = "", timeoutMs } = options;
  return remoteSource({
    name: prefix ? `secretsmanager:${prefix}` : "secretsmanager",
    timeoutMs,
    locate: locateByName(options),
    scheme: "secretsmanager:",
    batchSize: SECRETS_PER_CALL,
    parallel: 4,
    async ask(ids, signal) {
      const request = { SecretIdList: [...ids] };
      const { SecretValues, Errors } = await client.batchGetSecretValue(request, { abortSignal: signal });
      const answers = new Map<string, Answer>();
      for (const { SecretId = "", ErrorCode = "unknown error" } of Errors ?? []) {
        const absent = ErrorCode === "ResourceNotFoundException";
        answers.set(SecretId, absent ? "absent" : { problem: `could not be read: ${ErrorCode}` });
      }
      for (const { Name, ARN, VersionId, SecretString, SecretBinary } of SecretValues ?? []) {
        const content = SecretString ?? (SecretBinary && Buffer.from(SecretBinary).toString("base64"));
        if (content === undefined) continue;
        // Whichever was asked for; an ARN may lack the six random characters that Secrets Manager puts at its end.
        for (const id of [Name, ARN, ARN?.replace(/-\w{6}$/, "")]) {
          if (id !== undefined) answers.set(id, { content, version: VersionId });
        }
      }
      return answers;
    },
  });
}
