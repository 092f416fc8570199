// What all faces share: a request in, its key or a problem out.

import { type Logger, silentLogger } from "@holdfast/core";
import {
  type ClientAddressOptions,
  createClientAddress,
  type Problem,
  problem,
  problemResponse,
  type RequestView,
} from "@holdfast/core/http";
import { ApiKeyError } from "../errors.ts";
import type { RefusalReason, RequestFacts } from "../events.ts";
import type { KeyInfo } from "../key-info.ts";
import type { ApiKeys } from "../keys.ts";
import type { Ask, Refusal, Verification } from "../verification.ts";
import { credentialsOf } from "./credentials.ts";

export interface GuardOptions<Request> extends RightsOptions<Request> {
  readonly keys: ApiKeys;
  /** Requests that need no key, such as a health check. A key that they bring all the same is not looked at. Default: none. */
  readonly isPublic?: ((view: RequestView, request: Request) => boolean) | undefined;
  /** Which proxies may say whom they speak for, so that failures are counted by the client's address. Default: none. */
  readonly trustedProxies?: ClientAddressOptions["trustedProxies"] | undefined;
  /** The header in which a proxy or an earlier middleware names the request, for events. Default `x-request-id`. */
  readonly requestIdHeader?: string | undefined;
  /** What the API is called in `WWW-Authenticate`; printable ASCII without quotes and backslashes. Default `api`. */
  readonly realm?: string | undefined;
  /** Told where a store fails. Default: silent. */
  readonly logger?: Logger | undefined;
}

export interface RightsOptions<Request> {
  /** `resource:action`, the same for all requests or by request. Default: being a good key is enough. */
  readonly scope?: string | ((view: RequestView, request: Request) => string | undefined) | undefined;
  /** By kind, the value that the request is about: `(view, request) => ({ dataset: request.params.dataset })`. */
  readonly limits?: ((view: RequestView, request: Request) => Readonly<Record<string, string>> | undefined) | undefined;
}

/** `key` is undefined where the request is public. */
export type GuardAnswer = { readonly key: KeyInfo | undefined } | { readonly refused: Refused };

export interface Refused {
  readonly problem: Problem;
  /** Beside those of the problem. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface Guard<Request> {
  authenticate(view: RequestView, request: Request): Promise<GuardAnswer>;
}

/** @throws ApiKeyError `INVALID_OPTION`; HoldfastError `INVALID_TRUSTED_PROXY` */
export function createGuard<Request>(options: GuardOptions<Request>): Guard<Request> {
  const { keys, isPublic, realm = "api", logger = silentLogger } = options;
  if (!/^[\x20\x21\x23-\x5b\x5d-\x7e]{1,64}$/.test(realm)) {
    throw new ApiKeyError(
      "INVALID_OPTION",
      "realm must be 1 to 64 printable ASCII characters without quotes and backslashes",
    );
  }
  const factsOf = factsReader(options);

  return {
    async authenticate(view, request) {
      if (isPublic?.(view, request)) return { key: undefined };
      const facts = factsOf(view);
      const credentials = credentialsOf(view);
      if ("problem" in credentials) {
        // The key may stand in the path, which then goes nowhere either.
        const told = credentials.problem === "in-url" ? { ...facts, path: undefined } : facts;
        return refusedAs(keys.refuse(credentials.problem, told), realm, undefined);
      }
      const ask = askOf(options, view, request, facts);
      return await settled(realm, ask, logger, () => keys.verify(credentials.text, ask));
    },
  };
}

/** Whether a key that was accepted is good for more. */
export async function authorise<Request>(
  keys: ApiKeys,
  key: KeyInfo | undefined,
  options: RightsOptions<Request> &
    Pick<GuardOptions<Request>, "realm" | "logger" | "trustedProxies" | "requestIdHeader">,
  view: RequestView,
  request: Request,
): Promise<GuardAnswer> {
  const { realm = "api", logger = silentLogger } = options;
  const ask = askOf(options, view, request, factsReader(options)(view));
  // A request without a key got here as a public one: what asks for a scope is not public.
  if (key === undefined) return refusedAs(keys.refuse("missing", ask.facts), realm, undefined);
  return await settled(realm, ask, logger, () => keys.authorise(key, ask));
}

export function refusedResponse({ problem, headers }: Refused): Response {
  const response = problemResponse(problem);
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
  return response;
}

function factsReader({
  trustedProxies,
  requestIdHeader = "x-request-id",
}: Pick<GuardOptions<never>, "trustedProxies" | "requestIdHeader">): (view: RequestView) => RequestFacts {
  const clientAddress = createClientAddress(trustedProxies === undefined ? {} : { trustedProxies });
  return (view) => ({
    address: clientAddress(view) ?? view.address,
    requestId: view.header(requestIdHeader)?.slice(0, 128),
    method: view.method,
    path: view.url.split("?", 1)[0],
  });
}

function askOf<Request>(
  { scope, limits }: RightsOptions<Request>,
  view: RequestView,
  request: Request,
  facts: RequestFacts,
): Ask & { readonly facts: RequestFacts } {
  return {
    scope: typeof scope === "function" ? scope(view, request) : scope,
    limits: limits?.(view, request),
    facts,
  };
}

async function settled(
  realm: string,
  ask: Ask,
  logger: Logger,
  verify: () => Promise<Verification>,
): Promise<GuardAnswer> {
  try {
    const verification = await verify();
    return verification.ok ? { key: verification.key } : refusedAs(verification, realm, ask);
  } catch (error) {
    // Nobody is let in on a guess.
    logger.error({ error }, "API keys can't be checked: their store fails");
    return {
      refused: {
        problem: problem({ title: "Keys can't be checked now", status: 503, detail: "Try again in a moment." }),
        headers: { "retry-after": "1" },
      },
    };
  }
}

/** What every refused key has in common: which of them it was, a caller is not told. */
const NOT_ACCEPTED = { title: "Unauthorized", status: 401, detail: "The API key is not accepted." } as const;

const PROBLEMS: Readonly<Partial<Record<RefusalReason, { title: string; status: number; detail: string }>>> = {
  missing: {
    title: "Unauthorized",
    status: 401,
    detail: "Send an API key in X-API-Key, or in Authorization as Bearer.",
  },
  ambiguous: { title: "Two keys", status: 400, detail: "Send one API key, in one header, once." },
  "in-url": {
    title: "Key in URL",
    status: 400,
    detail: "Send the API key in a header, and replace this one: URLs are logged on their way.",
  },
  throttled: { title: "Too many failures", status: 429, detail: "Too many keys were not accepted. Try again later." },
};

function refusedAs({ reason, retryAfterMs }: Refusal, realm: string, ask: Ask | undefined): GuardAnswer {
  if (reason === "missing-scope" || reason === "outside-limits") return { refused: forbidden(reason, realm, ask) };
  const details = PROBLEMS[reason] ?? NOT_ACCEPTED;
  const headers: Record<string, string> = {};
  if (details.status === 401) {
    // RFC 6750, 3.1: no error code where no credentials were sent.
    headers["www-authenticate"] = `Bearer realm="${realm}"${reason === "missing" ? "" : ', error="invalid_token"'}`;
  }
  if (retryAfterMs !== undefined) headers["retry-after"] = String(Math.max(1, Math.ceil(retryAfterMs / 1000)));
  return { refused: { problem: problem(details), headers } };
}

/** Only a good key gets so far, and its holder may know what it lacks. */
function forbidden(reason: RefusalReason, realm: string, ask: Ask | undefined): Refused {
  const { scope, limits } = ask ?? {};
  if (reason === "outside-limits") {
    const outside = Object.entries(limits ?? {}).map(
      ([kind, value]) => `${kind} ${JSON.stringify(value.slice(0, 200))}`,
    );
    return {
      problem: problem({
        title: "Forbidden",
        status: 403,
        detail: `The API key is not for ${outside.join(", ")}.`,
        limits,
      }),
      headers: {},
    };
  }
  return {
    problem: problem({ title: "Forbidden", status: 403, detail: `The API key lacks the scope ${scope}.`, scope }),
    headers: { "www-authenticate": `Bearer realm="${realm}", error="insufficient_scope", scope="${scope}"` },
  };
}
