// Variables from the parameters of AWS Systems Manager Parameter Store, SecureString or not.

import type { Source } from "../source.ts";
import { type Answer, locateByName, type RemoteOptions, remoteSource } from "./remote.ts";

// What one GetParameters call takes
// (https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html).
const NAMES_PER_CALL = 10;

/** What the source needs of a client; `new SSM({})` of `@aws-sdk/client-ssm` fits. */
export interface SsmClient {
  getParameters(
    request: { Names: string[]; WithDecryption: boolean },
    options: { abortSignal: AbortSignal },
  ): Promise<{
    readonly Parameters?:
      | readonly {
          readonly Name?: string | undefined;
          readonly ARN?: string | undefined;
          readonly Selector?: string | undefined;
          readonly Value?: string | undefined;
          readonly Version?: number | undefined;
        }[]
      | undefined;
    readonly InvalidParameters?: readonly string[] | undefined;
  }>;
}

export interface SsmParametersOptions extends RemoteOptions {
  readonly client: SsmClient;
}

/**
 * Reads each declared variable from the parameter of its name under `prefix`, or from the one that `names` gives: a name,
 * `name:version`, `name:label` or an ARN. Ten parameters a call, four calls at a time. Parameter Store refuses a whole
 * call when one of its parameters is denied.
 *
 * @example
 * ssmParameters({ client: new SSM({}), prefix: "/prod/app/" }); // DB_URL is /prod/app/DB_URL
 */
export function ssmParameters(options: SsmParametersOptions): Source {
  const { client, prefix = "", timeoutMs } = options;
  return remoteSource({
    name: prefix ? `ssm:${prefix}` : "ssm",
    timeoutMs,
    locate: locateByName(options),
    scheme: "ssm:",
    batchSize: NAMES_PER_CALL,
    parallel: 4,
    async ask(names, signal) {
      const request = { Names: [...names], WithDecryption: true };
      const { Parameters, InvalidParameters } = await client.getParameters(request, { abortSignal: signal });
      const answers = new Map<string, Answer>();
      for (const name of InvalidParameters ?? []) answers.set(name, "absent");
      for (const { Name, ARN, Selector, Value, Version } of Parameters ?? []) {
        if (Value === undefined) continue;
        // Whichever of the two was asked for; the selector is the `:version` or `:label` that was asked for with it.
        for (const name of [Name, ARN]) {
          answers.set(`${name}${Selector ?? ""}`, { content: Value, version: Version?.toString() });
        }
      }
      return answers;
    },
  });
}
