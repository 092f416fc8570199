// An embedding on a clock of the test's own, and requests as browsers make them.

import { createManualClock, type ManualClock } from "@holdfast/core";
import { createEmbedding, type Embedding, type EmbeddingOptions } from "../src/http/embedding.ts";
import type { Filters, NewGrant, TokenRefusedEvent } from "../src/index.ts";
import { AUDIENCE, ISSUER, keyOf, NOW, ORIGIN } from "./support.ts";

export const DASHBOARDS = "https://dashboards.example.com";
export const FRAME = "0123456789abcdef0123456789abcdef";

export interface EmbeddingSetting<Input, Output> {
  readonly embedding: Embedding<Input, Output>;
  readonly clock: ManualClock;
  readonly refusals: TokenRefusedEvent[];
  /** A token, its id and its pass, of `user-7` for the dashboard `sales` at `ORIGIN`, unless told otherwise. */
  issue(
    grant?: Partial<NewGrant<Input>>,
  ): Promise<{ readonly token: string; readonly id: string; readonly pass: string }>;
  /** A session that came of such a token. */
  open(grant?: Partial<NewGrant<Input>>): Promise<string>;
}

export function setUpEmbedding<Input = Filters, Output = Input>(
  options: Partial<EmbeddingOptions<Input, Output>> = {},
): EmbeddingSetting<Input, Output> {
  const clock = createManualClock(NOW);
  const refusals: TokenRefusedEvent[] = [];
  const embedding = createEmbedding<Input, Output>({
    keys: [{ id: "k1", key: keyOf("k1") }],
    issuer: ISSUER,
    audience: AUDIENCE,
    clock,
    on: { refused: (event) => refusals.push(event) },
    ...options,
  });
  const issue: EmbeddingSetting<Input, Output>["issue"] = async (grant = {}) => {
    const { token, id, pass } = await embedding.issue({
      subject: "user-7",
      dashboard: "sales",
      origins: [ORIGIN],
      ...grant,
    });
    return { token: token.reveal(), id, pass };
  };
  return {
    embedding,
    clock,
    refusals,
    issue,
    async open(grant) {
      const { token } = await issue(grant);
      const opened = await embedding.exchange(token, { origin: ORIGIN });
      if (!opened.ok) throw new Error(`no session was opened: ${opened.reason}`);
      return opened.session.reveal();
    },
  };
}

/** The page's own POST of its token. */
export function exchangeRequest(
  body: object | string,
  headers: Readonly<Record<string, string | undefined>> = {},
  url = `${DASHBOARDS}/embed/session`,
): Request {
  const all = {
    origin: DASHBOARDS,
    "content-type": "application/json",
    "sec-fetch-site": "same-origin",
    "sec-fetch-dest": "empty",
    ...headers,
  };
  const sent = new Headers();
  for (const [name, value] of Object.entries(all)) if (value !== undefined) sent.set(name, value);
  return new Request(url, {
    method: "POST",
    headers: sent,
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}
