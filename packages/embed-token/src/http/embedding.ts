// What an embedded dashboard takes, out of one ring of keys: a token for the viewer, a pass for the page, a session behind both.

import type { StandardSchemaV1 } from "@holdfast/core";
import { type Duration, parseDuration, type Secret } from "@holdfast/core";
import { areFilters, type Filters } from "../claims.ts";
import { createTokensOf } from "../create-tokens.ts";
import type { RefusalReason, RequestFacts, TokenKind } from "../events.ts";
import type { JsonObject } from "../json.ts";
import type { StoreCall } from "../token-store.ts";
import type { EmbedTokensOptions, IssuedToken, NewGrant, RevocationTarget, RevokeCall } from "../tokens.ts";
import type { Refusal, Verification, VerifyCall } from "../verification.ts";

export interface EmbeddingOptions<Input = Filters, Output = Input> extends EmbedTokensOptions<Input, Output> {
  /**
   * How long a session lasts unless it is renewed; whole seconds. A viewer whom no new token is made for sees no longer than this.
   * Default 5 minutes, or `maxLifetime` where that is shorter.
   */
  readonly sessionLifetime?: Duration | undefined;
}

export interface IssuedEmbed extends IssuedToken {
  /** Goes into the page's URL. Says which pages may frame it, and opens nothing. Lasts for `maxLifetime`. */
  readonly pass: string;
}

/** `origin` is that of the page around the dashboard, as the handshake in the frame proved it. */
export interface SessionCall extends StoreCall {
  readonly origin: string | null | undefined;
  /** The one that is asked for. Default: any. */
  readonly dashboard?: string | undefined;
  /** The one whose data is asked for. Default: any. */
  readonly tenant?: string | undefined;
  readonly scope?: string | undefined;
  readonly facts?: RequestFacts | undefined;
}

export interface ExchangeCall extends SessionCall, Pick<VerifyCall, "ancestors"> {}

export interface OpenedSession {
  readonly ok: true;
  readonly session: Secret;
  /** The token's own, by which both are revoked. */
  readonly id: string;
  readonly dashboard: string;
  readonly subject: string;
  readonly scopes: readonly string[];
  /** What a browser, whose clock may be wrong, should go by. */
  readonly expiresInMs: number;
}

export interface Embedding<Input = Filters, Output = Input> {
  /** @throws EmbedTokenError `INVALID_GRANT` */
  issue(grant: NewGrant<Input>): Promise<IssuedEmbed>;
  /** Which pages may frame the dashboard's page, by its pass. */
  admit(
    pass: string | undefined,
    call: Pick<VerifyCall, "dashboard" | "facts" | "signal">,
  ): Promise<Verification<object>>;
  /** A token for a session, bound to the one origin that shows it. Rejects with the reason of an aborted signal. */
  exchange(token: string | undefined, call: ExchangeCall): Promise<OpenedSession | Refusal>;
  /** Whose session it is, and whether it is good for what is asked. */
  session(session: string | undefined, call: SessionCall): Promise<Verification<Output>>;
  /** A refusal that a face found by itself, of what was shown as a token unless `kind` says otherwise. */
  refuse(reason: RefusalReason, facts?: RequestFacts, kind?: TokenKind): Refusal;
  /** Ends tokens before their time, with their passes and the sessions that came of them. @throws EmbedTokenError */
  revoke(target: RevocationTarget, call?: RevokeCall): Promise<void>;
}

/** What the schema was given beside what it made of it: a session is signed with the former, and read by the schema again. */
interface Read<Output> {
  readonly given: unknown;
  readonly read: Output;
}

const FIVE_MINUTES_MS = 300_000;
/** A pass is nobody's. */
const ANYBODY = "frame";

/**
 * Tokens, passes and sessions for dashboards in other people's pages. They are told apart by audience: none passes for another. A pass and
 * a session have the id of their token, so that they are revoked with it.
 *
 * @example
 * const embedding = createEmbedding({ keys: [{ id: "2026-11", key: config.embedKey }], issuer: "https://app.example.com", audience: "dashboards" });
 * app.get("/embed/sales", embedPage({ embedding, dashboard: "sales" }), showSales);
 * @throws EmbedTokenError `INVALID_OPTION`, `INVALID_KEY`
 */
export function createEmbedding<Input = Filters, Output = Input>(
  options: EmbeddingOptions<Input, Output>,
): Embedding<Input, Output> {
  const { audience, schema, once: _, ...shared } = options;
  const tokens = createTokensOf<Input, Read<Output>>("token", { ...options, schema: keepingGiven(schema) });
  const passes = createTokensOf<Filters, Filters>("pass", {
    ...shared,
    audience: `${audience}#pass`,
    lifetime: tokens.maxLifetimeMs,
  });
  const sessionLifetime = parseDuration(options.sessionLifetime ?? Math.min(FIVE_MINUTES_MS, tokens.maxLifetimeMs));
  const sessions = createTokensOf<Input, Output>("session", {
    ...shared,
    schema,
    audience: `${audience}#session`,
    lifetime: sessionLifetime,
    maxLifetime: sessionLifetime,
  });
  const byKind = { token: tokens, pass: passes, session: sessions };

  return {
    async issue(grant) {
      const { dashboard, origins, tenant, facts } = grant;
      const issued = await tokens.issue(grant);
      const pass = await passes.issue({ subject: ANYBODY, dashboard, origins, tenant, facts }, issued.id);
      return { ...issued, pass: pass.token.reveal() };
    },
    admit: (pass, call) => passes.verify(pass, { ...call, origin: false }),
    async exchange(token, call) {
      const verified = await tokens.verify(token, call);
      if (!verified.ok) return verified;
      const { id, subject, dashboard, tenant, scopes, filters } = verified.grant;
      const session = await sessions.issue(
        {
          subject,
          dashboard,
          origins: [call.origin as string],
          tenant,
          scopes,
          filters: filters.given as Input,
          facts: call.facts,
        },
        id,
      );
      return {
        ok: true,
        session: session.token,
        id,
        dashboard,
        subject,
        scopes,
        expiresInMs: session.expiresInMs,
      };
    },
    session: (session, call) => sessions.verify(session, call),
    refuse: (reason, facts, kind = "token") => byKind[kind].refuse(reason, facts),
    revoke: tokens.revoke,
  };
}

function keepingGiven<Input, Output>(
  schema: StandardSchemaV1<Input, Output> | undefined,
): StandardSchemaV1<Input, Read<Output>> {
  return {
    "~standard": {
      version: 1,
      vendor: "holdfast",
      async validate(given) {
        // Without a schema, Output is Filters.
        if (!schema)
          return areFilters(given as JsonObject)
            ? { value: { given, read: given as Output } }
            : { issues: [NOT_PLAIN] };
        const result = await schema["~standard"].validate(given);
        return result.issues ? result : { value: { given, read: result.value } };
      },
    },
  };
}

const NOT_PLAIN = {
  message: "give texts, numbers, booleans and null, or lists of them, or a schema for anything else",
};
