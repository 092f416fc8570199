// A stand-in for Google Cloud Secret Manager, made for these tests: the access of one secret version, in the REST form
// that Google documents, which the vendor's client speaks with `fallback: true`. It takes any API key.

import { SecretManagerServiceClient } from "@google-cloud/secret-manager";
import { type Loopback, listen, type Received, type Reply } from "./loopback.ts";

export interface StoredVersion {
  readonly data: Uint8Array | string;
  readonly version?: number;
  /** As the API sends it: an int64 in a string. Default none. */
  readonly crc32c?: string;
}

export function gcpError(code: number, status: string, message = `${status} of the stand-in`): Reply {
  return { status: code, body: { error: { code, status, message } } };
}

export function listenAsGcp(secrets: Readonly<Record<string, StoredVersion | Reply>>): Promise<Loopback> {
  return listen((request) => {
    if (request.headers["x-goog-api-key"] === undefined) return gcpError(401, "UNAUTHENTICATED");
    const id = secretAsked(request);
    const stored = secrets[id];
    if (!stored) return gcpError(404, "NOT_FOUND", `Secret [projects/1/secrets/${id}] not found or has no versions.`);
    if ("body" in stored) return stored;
    const { data, version = 1, crc32c } = stored;
    const payload = { data: Buffer.from(data).toString("base64"), dataCrc32c: crc32c };
    return { body: { name: `projects/1/secrets/${id}/versions/${version}`, payload } };
  });
}

/** The secret's id in the path of a request. */
export function secretAsked({ path }: Received): string {
  return /^\/v1\/projects\/[^/]+\/secrets\/([^/]+)\/versions\/[^/]+:access/.exec(path)?.[1] ?? "";
}

/** The vendor's client, told to retry at once, as its own first delay is two seconds, and to stop after `totalMs`. */
export function gcpClient({ port }: { readonly port: number }, totalMs = 10_000): SecretManagerServiceClient {
  const soon = {
    initial_retry_delay_millis: 10,
    retry_delay_multiplier: 1,
    max_retry_delay_millis: 10,
    initial_rpc_timeout_millis: totalMs,
    rpc_timeout_multiplier: 1,
    max_rpc_timeout_millis: totalMs,
    total_timeout_millis: totalMs,
  };
  return new SecretManagerServiceClient({
    fallback: true,
    apiKey: "not-a-real-key",
    // Without it the client asks this machine's gcloud, if there is one.
    projectId: "stand-in",
    apiEndpoint: "127.0.0.1",
    protocol: "http",
    port,
    clientConfig: {
      interfaces: {
        "google.cloud.secretmanager.v1.SecretManagerService": {
          retry_params: { soon },
          methods: { AccessSecretVersion: { timeout_millis: totalMs, retry_params_name: "soon" } },
        },
      },
    },
  });
}
