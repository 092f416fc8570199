// A token for a session, and the check of that session at each request for data.

import { type Logger, silentLogger } from "@holdfast/core";
import type { RequestView } from "@holdfast/core/http";
import type { EmbedGrant } from "../claims.ts";
import { EmbedTokenError } from "../errors.ts";
import type { RequestFacts } from "../events.ts";
import type { JsonObject } from "../json.ts";
import { isOrigin } from "../origin.ts";
import { type Answer, jsonAnswer, problemAnswer, refusalAnswer } from "./answer.ts";
import { credentialsOf, isFrame, sessionCookie } from "./credentials.ts";
import type { Embedding, OpenedSession } from "./embedding.ts";
import type { Post } from "./post.ts";
import { type FactsOptions, factsReader, hasTokenInUrl, saysOtherwise } from "./request-facts.ts";

export interface ExchangeOptions extends FactsOptions {
  readonly embedding: Pick<Embedding, "exchange" | "refuse">;
  /** Where the dashboard's page is served: `"https://dashboards.example.com"`. Nobody else's page can open a session. */
  readonly origin: string;
  /**
   * - `bearer`: the page's script holds the session, in memory alone; no browser can block that
   * - `cookie`: a `__Host-` cookie, HttpOnly and Partitioned, which no script can read; Safari has it from 26.2. A session that would
   *   need one of more than 4096 bytes is not opened (413)
   *
   * Default `bearer`.
   */
  readonly keptAs?: "bearer" | "cookie" | undefined;
  readonly logger?: Logger | undefined;
}

export interface SessionOptions<Request, Output> extends FactsOptions {
  readonly embedding: Pick<Embedding<never, Output>, "session" | "refuse">;
  /** The one that a request asks for. Default: that of the session. */
  readonly dashboard?: string | ((view: RequestView, request: Request) => string | undefined) | undefined;
  /** The one whose data a request asks for. Default: that of the session. */
  readonly tenant?: ((view: RequestView, request: Request) => string | undefined) | undefined;
  /** Default: being a good session is enough. */
  readonly scope?: string | ((view: RequestView, request: Request) => string | undefined) | undefined;
}

export type SessionAnswer<Output> = { readonly grant: EmbedGrant<Output> } | { readonly refused: Answer };

export type SessionGuard<Request, Output> = (view: RequestView, request: Request) => Promise<SessionAnswer<Output>>;

const FROM_THE_PAGE = { "sec-fetch-site": "same-origin", "sec-fetch-dest": "empty" } as const;

/** @throws EmbedTokenError `INVALID_OPTION`; HoldfastError `INVALID_TRUSTED_PROXY` */
export function createExchange(options: ExchangeOptions): (post: Post) => Promise<Answer> {
  const { embedding, origin, keptAs = "bearer", logger = silentLogger } = options;
  if (!isOrigin(origin)) {
    throw new EmbedTokenError("INVALID_OPTION", "origin must be an origin such as https://dashboards.example.com");
  }
  const factsOf = factsReader(options);

  function tooLarge(error: EmbedTokenError, { id, dashboard }: OpenedSession, facts: RequestFacts): Answer {
    logger.error({ error, tokenId: id, dashboard }, "No browser would keep the session of an embed token");
    embedding.refuse("too-large", facts, "session");
    return problemAnswer({ title: "Session too large", status: 413, detail: error.message });
  }

  return async (post) => {
    const { view } = post;
    const facts = factsOf(view);
    if (view.method !== "POST") return NOT_POST;
    // All browsers send Origin with a POST: one without it is from none, or from somebody who has something to hide.
    if (view.header("origin") !== origin || saysOtherwise(view, FROM_THE_PAGE) || hasTokenInUrl(view)) {
      embedding.refuse("wrong-request", facts);
      return FOREIGN;
    }
    const body = await post.object();
    if ("answer" in body) return body.answer;
    const asked = askedOf(body.value);
    if (!asked) return MALFORMED;
    const { token, frame, ...call } = asked;
    const opened = await embedding.exchange(token, { ...call, facts });
    if (!opened.ok) return refusalAnswer(opened);
    const { session, dashboard, scopes, expiresInMs } = opened;
    const expiresIn = Math.floor(expiresInMs / 1000);
    const answered = { dashboard, scopes, expiresIn };
    if (keptAs === "bearer") return jsonAnswer(200, { session: session.reveal(), ...answered });
    try {
      return jsonAnswer(200, answered, { "set-cookie": sessionCookie(frame, session.reveal(), expiresIn) });
    } catch (error) {
      if (error instanceof EmbedTokenError) return tooLarge(error, opened, facts);
      throw error;
    }
  };
}

/** @throws HoldfastError `INVALID_TRUSTED_PROXY` */
export function createSessionGuard<Request, Output>(
  options: SessionOptions<Request, Output>,
): SessionGuard<Request, Output> {
  const { embedding, dashboard, tenant, scope } = options;
  const factsOf = factsReader(options);

  return async (view, request) => {
    const facts = factsOf(view);
    if (hasTokenInUrl(view) || saysOtherwise(view, FROM_THE_PAGE)) {
      return { refused: refusalAnswer(embedding.refuse("wrong-request", facts, "session")) };
    }
    const verified = await embedding.session(credentialsOf(view), {
      origin: view.header("embed-origin"),
      dashboard: typeof dashboard === "function" ? dashboard(view, request) : dashboard,
      tenant: tenant?.(view, request),
      scope: typeof scope === "function" ? scope(view, request) : scope,
      facts,
    });
    return verified.ok ? { grant: verified.grant } : { refused: refusalAnswer(verified) };
  };
}

interface Asked {
  readonly token: string;
  readonly origin: string;
  readonly frame: string;
  readonly dashboard: string | undefined;
  readonly ancestors: readonly string[];
}

function askedOf({ token, origin, frame, dashboard, ancestors = [], ...others }: JsonObject): Asked | undefined {
  if (typeof token !== "string" || typeof origin !== "string" || !isFrame(frame)) return undefined;
  if (dashboard !== undefined && typeof dashboard !== "string") return undefined;
  if (!Array.isArray(ancestors) || ancestors.length > MOST_ANCESTORS) return undefined;
  if (!ancestors.every((one) => typeof one === "string") || Object.keys(others).length > 0) return undefined;
  // A host that sends no referrer is told of as "null" (HTML, "ancestor origins list"): nothing is known of it.
  return { token, origin, frame, dashboard, ancestors: ancestors.filter((one) => one !== "null") };
}

const MOST_ANCESTORS = 32;

const NOT_POST = problemAnswer(
  { title: "Method not allowed", status: 405, detail: "Send the token by POST." },
  { allow: "POST" },
);
const FOREIGN = problemAnswer({
  title: "Forbidden",
  status: 403,
  detail: "A session is opened by the dashboard's own page.",
});
const MALFORMED = problemAnswer({
  title: "Malformed body",
  status: 400,
  detail: "Send token, origin and frame, and where known dashboard and ancestors.",
});
