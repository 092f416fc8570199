// A receiver of secret-scanning alerts, as GitHub's partner programme sends them: a key that was found in public is revoked at once.

import { createPublicKey, hash, type KeyObject, verify } from "node:crypto";
import { type Logger, silentLogger } from "@holdfast/core";
import { problem, problemResponse } from "@holdfast/core/http";
import type { KeyInfo } from "../key-info.ts";
import type { ApiKeys } from "../keys.ts";

export interface LeakAlertsOptions {
  readonly keys: Pick<ApiKeys, "identify" | "revoke">;
  /**
   * The sender's public key of that identifier, as PEM; undefined where it has none. GitHub lists its own at
   * https://api.github.com/meta/public_keys/secret_scanning. Fetch the list now and then and look it up here.
   */
  readonly publicKey: (identifier: string) => string | undefined | Promise<string | undefined>;
  /** Called once for each key that was found and is one: tell its owner. What it throws is logged; the key is revoked by then. */
  readonly notify?: ((leak: Leak) => void | Promise<void>) | undefined;
  /** Default: GitHub's, `github-public-key-identifier` and `github-public-key-signature`. */
  readonly headers?: { readonly identifier: string; readonly signature: string } | undefined;
  readonly logger?: Logger | undefined;
}

export interface Leak {
  readonly key: KeyInfo;
  /** Whether it was still good. */
  readonly wasLive: boolean;
  /** Where it was found, by the sender's word. */
  readonly url: string | undefined;
  /** In what: `"content"`, `"commit"`, `"pull_request_title"`, and so on. */
  readonly source: string | undefined;
}

/** One entry of an alert. */
interface Finding {
  readonly token: string;
  readonly type: string;
  readonly url: string | undefined;
  readonly source: string | undefined;
}

const MOST_BYTES = 1024 * 1024;
const MOST_FINDINGS = 1000;

/**
 * A web-standard handler. It acts only on a body whose ECDSA signature over P-256 and SHA-256 is right, byte by byte as it was sent, and
 * answers which findings were keys. The same alert again does no harm: a key is revoked once.
 * (https://docs.github.com/code-security/secret-scanning/secret-scanning-partnership-program/secret-scanning-partner-program)
 *
 * @example
 * app.post("/leaks", (context) => onLeak(context.req.raw)); // const onLeak = leakAlerts({ keys, publicKey, notify })
 */
export function leakAlerts(options: LeakAlertsOptions): (request: Request) => Promise<Response> {
  const { keys, publicKey, notify, logger = silentLogger } = options;
  const { identifier, signature } = options.headers ?? {
    identifier: "github-public-key-identifier",
    signature: "github-public-key-signature",
  };

  async function act({ token, type, url, source }: Finding): Promise<object> {
    const key = await keys.identify(token);
    const label = key ? "true_positive" : "false_positive";
    if (key) {
      const wasLive = key.revokedAt === null;
      await keys.revoke(key.id, { because: "found in public", by: { id: "secret scanning" } });
      try {
        await notify?.({ key, wasLive, url, source });
      } catch (error) {
        logger.error({ error, keyId: key.id }, "The owner of a leaked API key could not be told; the key is revoked");
      }
    }
    // Its hash says which one is meant. The text itself goes nowhere.
    return { token_hash: hash("sha256", token, "base64"), token_type: type, label };
  }

  return async (request) => {
    if (request.method !== "POST") return refused(405, "Alerts come by POST.");
    const body = await bodyOf(request);
    if (body === undefined) return refused(413, `An alert has at most ${MOST_BYTES} bytes.`);
    const id = request.headers.get(identifier) ?? "";
    const pem = /^[\w-]{1,128}$/.test(id) ? await publicKey(id) : undefined;
    if (!pem || !isSigned(body, request.headers.get(signature) ?? "", createPublicKey(pem))) {
      return refused(401, "The signature is not right, or by a key that is not known.");
    }
    const findings = findingsIn(body);
    if (findings === undefined) return refused(400, "An alert is a JSON array of { token, type, url, source }.");
    const results: object[] = [];
    for (const finding of findings) results.push(await act(finding));
    return Response.json(results);
  };
}

function isSigned(body: Uint8Array, signature: string, key: KeyObject): boolean {
  const isP256 = key.asymmetricKeyType === "ec" && key.asymmetricKeyDetails?.namedCurve === "prime256v1";
  if (!isP256 || !/^[A-Za-z0-9+/]{1,200}={0,2}$/.test(signature)) return false;
  return verify("sha256", body, key, Buffer.from(signature, "base64"));
}

/** As it was sent. Undefined where it is too long. */
async function bodyOf(request: Request): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > MOST_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

function findingsIn(body: Buffer): readonly Finding[] | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
  if (!Array.isArray(parsed) || parsed.length > MOST_FINDINGS) return undefined;
  const findings = parsed.map(findingOf);
  return findings.every((finding) => finding !== undefined) ? findings : undefined;
}

function findingOf(entry: unknown): Finding | undefined {
  const { token, type, url, source } = (entry ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof token !== "string" || typeof type !== "string") return undefined;
  return { token, type, url: textOr(url), source: textOr(source) };
}

function textOr(value: unknown): string | undefined {
  return typeof value === "string" ? value.slice(0, 2048) : undefined;
}

function refused(status: number, detail: string): Response {
  return problemResponse(problem({ title: "Alert refused", status, detail }));
}
