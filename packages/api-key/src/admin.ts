// The admin API: keys made, listed, rotated and revoked over HTTP, by whoever holds `keys:admin`.

import { type Logger, silentLogger } from "@holdfast/core";
import { fromFetch, problem, problemResponse } from "@holdfast/core/http";
import { Hono } from "hono";
import type { z } from "zod";
import { type BodyOf, bodies, openApi, query, type Route } from "./admin-schema.ts";
import { ApiKeyError, type ApiKeyErrorCode } from "./errors.ts";
import { createGuard, type GuardOptions, refusedResponse } from "./http/guard.ts";
import type { KeyInfo } from "./key-info.ts";
import type { Grantor } from "./new-key.ts";

export interface AdminOptions
  extends Pick<GuardOptions<Request>, "keys" | "trustedProxies" | "requestIdHeader" | "logger"> {
  /**
   * Whose doing a request is, and what they hold: a person who has signed in, say. Undefined: nobody who may, and the answer is 403.
   * Default: the API key of the request, which must hold `keys:admin`. Either way nobody hands on more than they hold.
   */
  readonly authorise?: ((request: Request) => Grantor | undefined | Promise<Grantor | undefined>) | undefined;
  /** Where the handler is mounted, for the OpenAPI document. Default `/`. */
  readonly basePath?: string | undefined;
  /** The address of the socket's other end, where the platform tells it. */
  readonly address?: ((request: Request) => string | undefined) | undefined;
}

/** What it takes to use the API. */
export const ADMIN_SCOPE = "keys:admin";
const MOST_BODY_BYTES = 65_536;

/**
 * A web-standard handler, to be mounted in Hono as it is (`app.mount("/admin", adminApi(options))`) and in Express by an adapter.
 *
 * | | |
 * |---|---|
 * | `POST /keys` | makes a key; the answer is the one place where it stands |
 * | `GET /keys` | lists them: `owner`, `after`, `limit`, `include-ended` |
 * | `GET /keys/:id` | one |
 * | `POST /keys/:id/rotate`, `POST /keys/:id/revoke` | |
 * | `GET /openapi.json` | the document of all that; needs no key |
 *
 * Nothing about who asks is taken from a body. Every field has one type, and one that is not known is refused.
 */
export function adminApi(options: AdminOptions): (request: Request) => Promise<Response> {
  const { keys, basePath = "/", logger = silentLogger } = options;
  const grantorOf = authoriser(options);
  const app = new Hono<{ Variables: { by: Grantor; requestId: string | undefined } }>();
  const document = openApi(basePath);

  app.get("/openapi.json", (context) => context.json(document));
  app.use("/keys/*", async (context, next) => {
    const by = await grantorOf(context.req.raw);
    if (by instanceof Response) return by;
    context.set("by", by);
    context.set("requestId", context.req.header(options.requestIdHeader ?? "x-request-id")?.slice(0, 128));
    await next();
    // What it answers holds keys, or tells of them.
    context.res.headers.set("cache-control", "no-store");
    return undefined;
  });

  app.post("/keys", async (context) => {
    const asked = await bodyOf(context.req.raw, "create");
    const call = { by: context.get("by"), requestId: context.get("requestId") };
    const { text, key } = await keys.create({ ...asked, ...call }, { signal: context.req.raw.signal });
    return context.json({ key: text.reveal(), ...shown(key) }, 201);
  });
  app.get("/keys", async (context) => {
    const parsed = query.safeParse(context.req.query());
    if (!parsed.success) throw new InvalidInput(parsed.error);
    const { owner, after, limit, "include-ended": includeEnded } = parsed.data;
    const list = await keys.list({ owner, after, limit, includeEnded }, { signal: context.req.raw.signal });
    return context.json({ keys: list.map(shown) });
  });
  app.get("/keys/:id", async (context) => {
    const key = await keys.find(context.req.param("id"), { fresh: true, signal: context.req.raw.signal });
    if (!key) throw new ApiKeyError("NOT_FOUND", "There is no key of this id");
    return context.json(shown(key));
  });
  app.post("/keys/:id/rotate", async (context) => {
    const { grace } = await bodyOf(context.req.raw, "rotate");
    const call = { by: context.get("by"), requestId: context.get("requestId"), signal: context.req.raw.signal };
    const { text, key, previous } = await keys.rotate(context.req.param("id"), { grace, ...call });
    return context.json({ key: text.reveal(), ...shown(key), previous: shown(previous) }, 201);
  });
  app.post("/keys/:id/revoke", async (context) => {
    const { because } = await bodyOf(context.req.raw, "revoke");
    const call = { by: context.get("by"), requestId: context.get("requestId"), signal: context.req.raw.signal };
    return context.json(shown(await keys.revoke(context.req.param("id"), { because, ...call })));
  });

  app.notFound(() => answer(404, "Not found", "There is nothing here; /openapi.json says what there is."));
  app.onError((error) => errorResponse(error, logger));
  return async (request) => await app.fetch(request);
}

/** Who asks, or the answer to somebody who may not. */
function authoriser(options: AdminOptions): (request: Request) => Promise<Grantor | Response> {
  const { authorise } = options;
  if (authorise) {
    return async (request) =>
      (await authorise(request)) ?? answer(403, "Forbidden", "Nobody who may manage keys is signed in.");
  }
  const guard = createGuard<Request>({ ...options, scope: ADMIN_SCOPE, isPublic: undefined });
  return async (request) => {
    const found = await guard.authenticate(fromFetch(request, { address: options.address?.(request) }), request);
    if ("refused" in found) return refusedResponse(found.refused);
    return found.key ?? answer(401, "Unauthorized", "An API key is needed.");
  };
}

/** What of a key goes out: times as RFC 3339 has them. */
function shown(key: KeyInfo): object {
  const time = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
  const { createdAt, expiresAt, revokedAt, lastUsedAt, ...rest } = key;
  return {
    ...rest,
    createdAt: time(createdAt),
    expiresAt: time(expiresAt),
    revokedAt: time(revokedAt),
    lastUsedAt: time(lastUsedAt),
  };
}

class InvalidInput extends Error {
  readonly issues: readonly string[];

  constructor({ issues }: Pick<z.ZodError, "issues">) {
    super("invalid input");
    this.issues = issues.slice(0, 20).map(({ path, message }) => `${path.join(".") || "body"}: ${message}`);
  }
}

/** @throws InvalidInput */
async function bodyOf<Name extends Route>(request: Request, route: Name): Promise<BodyOf<Name>> {
  const text = await textOf(request);
  let parsed: unknown;
  try {
    parsed = text === "" ? {} : JSON.parse(text);
  } catch {
    throw new InvalidInput({ issues: [{ code: "custom", path: [], message: "is not JSON", input: undefined }] });
  }
  const result = bodies[route].safeParse(parsed);
  if (!result.success) throw new InvalidInput(result.error);
  return result.data;
}

async function textOf(request: Request): Promise<string> {
  if (request.body === null) return "";
  if (!/^application\/json\b/i.test(request.headers.get("content-type") ?? ""))
    throw new WrongBody(415, "Send application/json.");
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body) {
    size += chunk.byteLength;
    if (size > MOST_BODY_BYTES) throw new WrongBody(413, `A body has at most ${MOST_BODY_BYTES} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size).toString("utf8");
}

class WrongBody extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const STATUS_OF: Readonly<Record<ApiKeyErrorCode, number>> = {
  INVALID_OPTION: 400,
  INVALID_SCOPE: 400,
  SCOPE_EXCEEDED: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  READ_ONLY: 409,
  WRONG_SCHEMA: 503,
};

function errorResponse(error: unknown, logger: Logger): Response {
  if (error instanceof InvalidInput) return answer(400, "Invalid input", error.issues.join("; ").slice(0, 4000));
  if (error instanceof WrongBody) return answer(error.status, "Invalid body", error.message);
  if (error instanceof ApiKeyError && STATUS_OF[error.code] < 500) {
    return answer(STATUS_OF[error.code], "Not done", error.message.slice(0, 4000));
  }
  logger.error({ error }, "The admin API of API keys failed");
  return answer(503, "Not done", "The keys' store fails. Try again in a moment.");
}

function answer(status: number, title: string, detail: string): Response {
  return problemResponse(problem({ title, status, detail }));
}
