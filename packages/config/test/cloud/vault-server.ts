// A stand-in for HashiCorp Vault, made for these tests: the reads of the key-value engine, version 1 and 2, as Vault's
// HTTP API documents them, with its ways of saying 403 and 404.

import { type Loopback, listen, type Received, type Reply } from "./loopback.ts";

export const TOKEN = "hvs.not-a-real-token";

export interface VaultContents {
  /** Engines by mount. */
  readonly kv1?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly kv2?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Secrets of version 2 whose current version is deleted: `secret/app`. */
  readonly deleted?: readonly string[];
  /** Secrets that the token may not read: `secret/app`. */
  readonly denied?: readonly string[];
}

export function listenAsVault({ kv1 = {}, kv2 = {}, deleted = [], denied = [] }: VaultContents): Promise<Loopback> {
  return listen((request) => {
    if (request.headers["x-vault-token"] !== TOKEN) return vaultError(403, "permission denied");
    const [, mount = "", ...rest] = pathAsked(request).split("/");
    const path = rest.join("/");
    const secret = kv2[mount] ? path.replace(/^data\//, "") : path;
    if (denied.includes(`${mount}/${secret}`)) return vaultError(403, "1 error occurred:\n\t* permission denied\n\n");
    if (kv1[mount]) return kv1[mount][path] ? ok(kv1[mount][path]) : vaultError(404);
    if (!kv2[mount]) return vaultError(404, `no handler for route "${mount}/${path}". route entry not found.`);
    if (!path.startsWith("data/")) {
      return { status: 404, body: { data: null, warnings: ["Invalid path for a versioned K/V secrets engine."] } };
    }
    const metadata = { created_time: "2026-01-02T03:04:05.6Z", deletion_time: "", destroyed: false, version: 3 };
    if (deleted.includes(`${mount}/${secret}`)) {
      return {
        status: 404,
        body: { data: { data: null, metadata: { ...metadata, deletion_time: "2026-02-03T04:05:06.7Z" } } },
      };
    }
    return kv2[mount][secret] ? ok({ data: kv2[mount][secret], metadata }) : vaultError(404);
  });
}

export function vaultError(status: number, ...errors: readonly string[]): Reply {
  return { status, body: { errors } };
}

/** The path of a request after `/v1`. */
export function pathAsked({ path }: Received): string {
  return path.replace(/^\/v1/, "");
}

function ok(data: unknown): Reply {
  return { body: { request_id: "0", lease_id: "", renewable: false, lease_duration: 0, data } };
}
