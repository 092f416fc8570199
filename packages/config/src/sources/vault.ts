// Variables from the key-value secrets engine of HashiCorp Vault or OpenBao, version 2 or 1.

import { DEFAULT_TIMEOUT_MS, type Source } from "../source.ts";
import { type Answer, asFields, fieldOf, locateByName, oneByOne, type RemoteOptions, remoteSource } from "./remote.ts";

/** What the source needs of a client; `vault({ … })` of `node-vault` fits. */
export interface VaultClient {
  read(path: string, options: { timeout: number }): Promise<unknown>;
}

interface VaultKvBase extends Pick<RemoteOptions, "timeoutMs"> {
  readonly client: VaultClient;
  /** Where the engine is mounted. Default `secret`. */
  readonly mount?: string;
  /** The engine's version. Default 2. */
  readonly kvVersion?: 1 | 2;
}

/** Either one secret for all variables, or each variable's own. */
export type VaultKvOptions = VaultKvBase &
  (
    | {
        /** The secret, under the mount, whose keys are the variables: `app`. */
        readonly path: string;
        readonly names?: never;
      }
    | {
        readonly path?: never;
        /** Where each variable is: `app/db#password`, or `app/db` when the key is the variable's name. Others are not asked for. */
        readonly names: Readonly<Record<string, string>>;
      }
  );

/**
 * Reads variables from the keys of one secret (`path`) or of several (`names`). A call a secret, however many variables
 * it holds; eight at a time. A secret that is deleted counts as absent; one that the token may not read does not.
 *
 * @example
 * vaultKv({ client: vault({ endpoint, token }), path: "app" }); // DB_URL is the key DB_URL of secret/app
 */
export function vaultKv(options: VaultKvOptions): Source {
  const { client, mount = "secret", kvVersion = 2, path, names, timeoutMs } = options;
  const locate = (variable: string): string | undefined => {
    const place = names ? locateByName({ names })(variable) : path;
    return place === undefined || place.includes("#") ? place : `${place}#${variable}`;
  };
  return remoteSource({
    name: `vault:${mount}/${path ?? ""}`,
    timeoutMs,
    locate,
    scheme: `vault:${mount}/`,
    batchSize: 1,
    parallel: 8,
    ask: oneByOne(async (secret) => {
      try {
        // node-vault takes no signal: a call that is no longer waited for ends by this timeout.
        const timeout = timeoutMs ?? DEFAULT_TIMEOUT_MS;
        const body = await client.read(`${mount}/${kvVersion === 2 ? "data/" : ""}${secret}`, { timeout });
        return kvVersion === 2 ? contentOfVersion2(body) : contentOf(body);
      } catch (error) {
        const response = fieldOf(error, "response");
        if (fieldOf(response, "statusCode") !== 404) throw error;
        return saysAbsent(fieldOf(response, "body"))
          ? "absent"
          : { failure: "HTTP 404, for a wrong mount or kvVersion" };
      }
    }),
  });
}

function contentOf(body: unknown): Answer & object {
  const content = asFields(fieldOf(body, "data"));
  return content ? { content } : { failure: "the answer is no secret" };
}

function contentOfVersion2(body: unknown): Answer {
  const version = fieldOf(fieldOf(fieldOf(body, "data"), "metadata"), "version");
  return { ...contentOf(fieldOf(body, "data")), version: typeof version === "number" ? `${version}` : undefined };
}

/**
 * Of the body of a 404: without an error for a secret that is not there, with the metadata for a version that is deleted.
 * One that complains is another matter, no such mount or a path for the other engine version; so is a proxy's page.
 */
function saysAbsent(body: unknown): boolean {
  const errors = fieldOf(body, "errors");
  return (Array.isArray(errors) && errors.length === 0) || fieldOf(fieldOf(body, "data"), "metadata") !== undefined;
}
