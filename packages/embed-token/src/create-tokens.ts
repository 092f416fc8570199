// What is put together for the user: issuer, verifier and revocation, over one ring of keys.

import { silentLogger, systemClock } from "@holdfast/core";
import type { Filters } from "./claims.ts";
import type { TokenKind } from "./events.ts";
import { createIssuer, type Issue } from "./issuer.ts";
import { createKeyRing } from "./keys.ts";
import { readOptions } from "./options.ts";
import { createRevocation } from "./revocations.ts";
import type { EmbedTokens, EmbedTokensOptions } from "./tokens.ts";
import { createVerifier } from "./verifier.ts";

/**
 * Issues and checks embed tokens: JWTs signed by HS256, which live for a minute.
 *
 * @example
 * const tokens = createEmbedTokens({ keys: [{ id: "2026-11", key: config.embedKey }], issuer: "https://app.example.com", audience: "dashboards" });
 * const { token } = await tokens.issue({ subject: "user-7", dashboard: "sales", origins: ["https://portal.example.org"] });
 * const verified = await tokens.verify(token.reveal(), { origin: "https://portal.example.org" });
 * if (verified.ok) console.log(`hello ${verified.grant.subject}`);
 * @throws EmbedTokenError `INVALID_OPTION`, `INVALID_KEY`; HoldfastError `INVALID_DURATION`
 */
export function createEmbedTokens<Input = Filters, Output = Input>(
  options: EmbedTokensOptions<Input, Output>,
): EmbedTokens<Input, Output> {
  const { issue, ...tokens } = createTokensOf("token", options);
  // No id but a new one: callers would pass what is not meant as one, as `map(issue)` does.
  return { ...tokens, issue: (grant) => issue(grant) };
}

interface TokensOf<Input, Output> extends EmbedTokens<Input, Output> {
  readonly issue: Issue<Input>;
}

/** Of any kind; tokens proper, and what an embedding makes beside them. */
export function createTokensOf<Input, Output>(
  kind: TokenKind,
  options: EmbedTokensOptions<Input, Output>,
): TokensOf<Input, Output> {
  const { on = {}, logger = silentLogger, clock = systemClock, random, once, revocations, schema } = options;
  const settings = readOptions(options);
  const ring = createKeyRing(options.keys, options.keyPerTenant ?? false);
  const issue = createIssuer({ ...settings, kind, ring, schema, clock, random, on });
  const verifier = createVerifier({ ...settings, kind, ring, schema, once, revocations, clock, logger, on });
  const revoke = createRevocation({ ...settings, store: revocations, clock, on });
  const { maxLifetimeMs, toleranceMs } = settings;
  return { maxLifetimeMs, toleranceMs, clock, issue, ...verifier, revoke };
}
