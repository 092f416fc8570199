// POST /api/embed/token: a service that may have tokens made asks for one.

import { type Clock, type Logger, silentLogger, systemClock } from "@holdfast/core";
import { EmbedTokenError } from "../errors.ts";
import { type RequestFacts, type TokenHooks, type TokenRequestedEvent, tell } from "../events.ts";
import type { NewGrant } from "../tokens.ts";
import { type Answer, jsonAnswer, problemAnswer, unavailableAnswer } from "./answer.ts";
import type { Authorise } from "./authorise.ts";
import type { Embedding, IssuedEmbed } from "./embedding.ts";
import { type AskedGrant, readGrant } from "./grant-body.ts";
import { PASS } from "./page.ts";
import type { Post } from "./post.ts";
import { type FactsOptions, factsReader } from "./request-facts.ts";
import { createTokenLimit, type RequestLimiter } from "./token-limit.ts";

export interface EndpointOptions<Input> extends FactsOptions {
  readonly embedding: Pick<Embedding<Input>, "issue">;
  /** Who may ask: `byApiKey(keys)`, `byAdminToken(verify)`, `anyOf(…)`, or a function of your own. */
  readonly authorise: Authorise;
  /** Where a dashboard's page is: `"https://dashboards.example.com/embed/:dashboard"`, or a function. */
  readonly page: string | ((grant: AskedGrant) => string);
  /** Counts by caller. Default: 10 a minute for each, counted in this process. */
  readonly limiter?: RequestLimiter | undefined;
  /** The switch (`EMBED_ENABLED`): while it is off, there is nothing here (404). Default true. */
  readonly enabled?: boolean | (() => boolean) | undefined;
  readonly on?: Pick<TokenHooks, "requested"> | undefined;
  readonly logger?: Logger | undefined;
  /** Default: the machine's own. */
  readonly clock?: Clock | undefined;
}

/** What the endpoint answers, and what a host's page needs to embed the dashboard. */
export interface EmbedTicket {
  readonly token: string;
  /** By which it can be revoked. */
  readonly tokenId: string;
  /** Seconds. */
  readonly expiresIn: number;
  /** The page, with its pass. */
  readonly url: string;
}

interface Outcome {
  readonly outcome: TokenRequestedEvent["outcome"];
  readonly caller?: string | undefined;
  readonly answer: Answer;
}

/** @throws EmbedTokenError `INVALID_OPTION`; HoldfastError `INVALID_TRUSTED_PROXY` */
export function createEndpoint<Input>(options: EndpointOptions<Input>): (post: Post) => Promise<Answer> {
  const { embedding, authorise, enabled = true, on = {}, logger = silentLogger, clock = systemClock } = options;
  const limiter = options.limiter ?? createTokenLimit({ limit: 10, windowMs: 60_000, clock });
  const pageOf = pageReader(options.page);
  const factsOf = factsReader(options);

  async function handle(post: Post, facts: RequestFacts): Promise<Outcome> {
    if (!(typeof enabled === "function" ? enabled() : enabled)) return { outcome: "disabled", answer: NOT_FOUND };
    if (post.view.method !== "POST") return { outcome: "invalid", answer: NOT_POST };
    const authorised = await authorise(post.view, facts);
    if (!authorised.ok) return { outcome: authorised.reason, answer: notAuthorised(authorised) };
    const { caller, may } = authorised;
    const counted = await limiter.consume(caller);
    if (!counted.allowed) return { outcome: "throttled", caller, answer: throttled(counted.retryAfterMs) };
    const body = await post.object();
    if ("answer" in body) return { outcome: "invalid", caller, answer: body.answer };
    const read = readGrant(body.value);
    if ("problem" in read) return { outcome: "invalid", caller, answer: invalid(read.problem) };
    const { grant } = read;
    if (may && !(await may(grant))) return { outcome: "forbidden", caller, answer: FORBIDDEN };
    try {
      const issued = await embedding.issue({ ...(grant as NewGrant<Input>), facts });
      return { outcome: "issued", caller, answer: jsonAnswer(201, ticketOf(issued, pageOf(grant))) };
    } catch (error) {
      if (error instanceof EmbedTokenError && error.code === "INVALID_GRANT") {
        return { outcome: "invalid", caller, answer: invalid(error.message) };
      }
      throw error;
    }
  }

  return async (post) => {
    const startedAt = clock.monotonic();
    const facts = factsOf(post.view);
    const { outcome, caller, answer } = await handle(post, facts).catch((error: unknown): Outcome => {
      logger.error({ error }, "No embed token could be made");
      return { outcome: "failed", answer: unavailableAnswer() };
    });
    tell(on, "requested", () => ({ ...facts, outcome, caller, durationMs: clock.monotonic() - startedAt }));
    return answer;
  };
}

function pageReader(page: EndpointOptions<never>["page"]): (grant: AskedGrant) => string {
  if (typeof page === "function") return page;
  if (URL.parse(page) === null) {
    throw new EmbedTokenError(
      "INVALID_OPTION",
      "page must be a URL such as https://dashboards.example.com/embed/:dashboard",
    );
  }
  return ({ dashboard }) => page.replace(":dashboard", () => encodeURIComponent(dashboard));
}

function ticketOf({ token, id, expiresInMs, pass }: IssuedEmbed, page: string): EmbedTicket {
  const url = new URL(page);
  url.searchParams.set(PASS, pass);
  return { token: token.reveal(), tokenId: id, expiresIn: Math.floor(expiresInMs / 1000), url: url.href };
}

const NOT_FOUND = problemAnswer({ title: "Not found", status: 404 });
const NOT_POST = problemAnswer({ title: "Method not allowed", status: 405, detail: "Ask by POST." }, { allow: "POST" });
const FORBIDDEN = problemAnswer({
  title: "Forbidden",
  status: 403,
  detail: "The caller may not have this token made.",
});

function notAuthorised({
  reason,
  retryAfterMs,
}: {
  readonly reason: string;
  readonly retryAfterMs?: number | undefined;
}): Answer {
  if (reason === "throttled") return throttled(retryAfterMs);
  if (reason === "forbidden") return FORBIDDEN;
  return problemAnswer(
    { title: "Unauthorized", status: 401, detail: "Send an API key or an administrator's token that is accepted." },
    { "www-authenticate": "Bearer" },
  );
}

function throttled(retryAfterMs = 60_000): Answer {
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
  return problemAnswer(
    { title: "Too many requests", status: 429, detail: `Try again in ${seconds} s.` },
    { "retry-after": String(seconds) },
  );
}

function invalid(problem: string): Answer {
  return problemAnswer({ title: "Invalid grant", status: 400, detail: problem });
}
