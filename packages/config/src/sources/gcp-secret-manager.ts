// Variables from the secrets of Google Cloud Secret Manager.

import { isUtf8 } from "node:buffer";
import type { Source } from "../source.ts";
import { type Answer, locateByName, oneByOne, type RemoteOptions, remoteSource } from "./remote.ts";

/** What the source needs of a client; `new SecretManagerServiceClient()` of `@google-cloud/secret-manager` fits. */
export interface GcpSecretManagerClient {
  initialize?(): Promise<unknown>;
  accessSecretVersion(
    request: { name: string },
    options: { signal: AbortSignal },
  ): Promise<
    readonly [
      {
        readonly name?: string | null | undefined;
        readonly payload?:
          | {
              readonly data?: Uint8Array | string | null | undefined;
              readonly dataCrc32c?: number | string | { toString(): string } | null | undefined;
            }
          | null
          | undefined;
      },
      ...unknown[],
    ]
  >;
}

export interface GcpSecretsOptions extends RemoteOptions {
  readonly client: GcpSecretManagerClient;
  /** The project's id or number. */
  readonly project: string;
  /** A version number or an alias, for every secret. Default `latest`. */
  readonly version?: string;
}

/**
 * Reads each declared variable from the secret of its name after `prefix`, or from the one that `names` gives, with
 * `#field` for a field of a JSON secret. A call a secret, for there is no batch call; eight at a time. What carries a
 * checksum is checked against it. A secret that is not UTF-8 text is refused.
 *
 * @example
 * gcpSecrets({ client: new SecretManagerServiceClient(), project: "acme-prod", names: { DB_PASSWORD: "db-password" } });
 */
export function gcpSecrets(options: GcpSecretsOptions): Source {
  const { client, project, version = "latest", prefix = "", timeoutMs } = options;
  return remoteSource({
    name: `gcp:projects/${project}/secrets/${prefix}`,
    timeoutMs,
    locate: locateByName(options),
    scheme: `gcp:projects/${project}/secrets/`,
    batchSize: 1,
    parallel: 8,
    ask: oneByOne(async (id, signal) => {
      const name = `projects/${project}/secrets/${id}/versions/${version}`;
      try {
        // Asked first: without credentials the client's calls leave a rejection that no one handles, and the process ends.
        await client.initialize?.();
      } catch {
        return { failure: "the client could not be initialized, it may lack credentials" };
      }
      try {
        const [{ name: found, payload }] = await client.accessSecretVersion({ name }, { signal });
        return { ...contentOf(payload), version: found?.split("/").at(-1) };
      } catch (error) {
        return answerToError(error);
      }
    }),
  });
}

// By number (https://grpc.github.io/grpc/core/md_doc_statuscodes.html).
const GRPC_STATUS = [
  ...["OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS"],
  ...["PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED"],
  ...["INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"],
];

function answerToError(error: unknown): Answer {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  const status = typeof code === "number" ? GRPC_STATUS[code] : undefined;
  if (status === undefined) throw error;
  // Over REST the client makes any 404 a NOT_FOUND, also a proxy's page, which says nothing of the secret.
  const fromElsewhere = typeof message === "string" && message.includes("could not be decoded");
  return status === "NOT_FOUND" && !fromElsewhere ? "absent" : { failure: status };
}

type Payload = Awaited<ReturnType<GcpSecretManagerClient["accessSecretVersion"]>>[0]["payload"];

function contentOf(payload: Payload): Answer & object {
  const { data, dataCrc32c } = payload ?? {};
  if (data === undefined || data === null) return { failure: "the answer holds no payload" };
  const bytes = typeof data === "string" ? Buffer.from(data, "base64") : Buffer.from(data);
  if (dataCrc32c !== undefined && dataCrc32c !== null && crc32c(bytes) !== Number(dataCrc32c.toString())) {
    return { problem: "arrived damaged: its payload does not match its checksum" };
  }
  return isUtf8(bytes) ? { content: bytes.toString("utf8") } : { problem: "is not UTF-8 text" };
}

/** The Castagnoli CRC-32 (https://www.rfc-editor.org/rfc/rfc3720#appendix-B.4), which node:zlib does not have. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}
