// The page of an embedded dashboard: who may frame it, by its pass, and the headers that make browsers keep to it.

import type { RequestView } from "@holdfast/core/http";
import { EmbedTokenError } from "../errors.ts";
import { type Answer, problemAnswer, refusalAnswer } from "./answer.ts";
import type { Embedding } from "./embedding.ts";
import { type FactsOptions, factsReader, hasTokenInUrl, saysOtherwise } from "./request-facts.ts";

export interface PageOptions<Request> extends FactsOptions {
  readonly embedding: Pick<Embedding, "admit" | "refuse">;
  /** Whose page it is, the same for all requests or by request. */
  readonly dashboard: string | ((view: RequestView, request: Request) => string);
  /** What else the page's policy says, without `frame-ancestors`: `"default-src 'self'; require-trusted-types-for 'script'"`. Default: nothing. */
  readonly policy?: string | undefined;
}

/** Headers for whatever the page will be, or what to answer instead. */
export type PageAnswer = { readonly headers: Readonly<Record<string, string>> } | { readonly refused: Answer };

export type Page<Request> = (view: RequestView, request: Request) => Promise<PageAnswer>;

/** The parameter that the pass is in. */
export const PASS = "pass";

/** A page that was refused is nobody's to frame. */
const UNFRAMED = headersFor("frame-ancestors 'none'");

/** @throws EmbedTokenError `INVALID_OPTION`; HoldfastError `INVALID_TRUSTED_PROXY` */
export function createPage<Request>(options: PageOptions<Request>): Page<Request> {
  const { embedding, dashboard, policy = "" } = options;
  if (/frame-ancestors/i.test(policy) || /[^\x20-\x2b\x2d-\x7e]/.test(policy)) {
    throw new EmbedTokenError(
      "INVALID_OPTION",
      "policy must be directives of a Content-Security-Policy in printable ASCII, without commas, and without frame-ancestors, which is made of the pass",
    );
  }
  const factsOf = factsReader(options);

  return async (view, request) => {
    const facts = factsOf(view);
    if (hasTokenInUrl(view, PASS)) {
      embedding.refuse("in-url", facts, "pass");
      return { refused: unframed(TOKEN_IN_URL) };
    }
    if (saysOtherwise(view, { "sec-fetch-dest": "iframe" })) {
      embedding.refuse("wrong-request", facts, "pass");
      return { refused: unframed(NOT_FRAMED) };
    }
    const pass = new URLSearchParams(view.url.split("?").slice(1).join("?")).get(PASS) ?? undefined;
    const wanted = typeof dashboard === "function" ? dashboard(view, request) : dashboard;
    const admitted = await embedding.admit(pass, { dashboard: wanted, facts });
    if (!admitted.ok) return { refused: unframed(refusalAnswer(admitted)) };
    const ancestors = `frame-ancestors ${admitted.grant.origins.join(" ")}`;
    return { headers: headersFor(policy === "" ? ancestors : `${policy.replace(/[; ]+$/, "")}; ${ancestors}`) };
  };
}

function headersFor(policy: string): Readonly<Record<string, string>> {
  return {
    "content-security-policy": policy,
    // The URL has the pass in it, and need not be told to whatever the page loads.
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  };
}

function unframed(answer: Answer): Answer {
  return { ...answer, headers: { ...answer.headers, ...UNFRAMED } };
}

const TOKEN_IN_URL = problemAnswer({
  title: "Token in URL",
  status: 400,
  detail: "Send the token by message port, and make a new one: URLs are logged on their way.",
});

const NOT_FRAMED = problemAnswer({
  title: "Not a page of its own",
  status: 403,
  detail: "This dashboard is shown in a frame of another page.",
});
