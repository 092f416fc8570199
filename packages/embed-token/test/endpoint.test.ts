import { createManualClock } from "@holdfast/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  anyOf,
  byAdminToken,
  byApiKey,
  type EndpointOptions,
  embedEndpoint,
  type KeyVerifier,
} from "../src/http/fetch.ts";
import type { Filters, TokenRequestedEvent } from "../src/index.ts";
import { setUpEmbedding } from "./embedding-support.ts";
import { NOW, ORIGIN } from "./support.ts";

const GRANT = { subject: "user-7", dashboard: "sales", origins: [ORIGIN] };

interface Key {
  readonly id: string;
  readonly scopes: readonly string[];
  readonly tenants?: readonly string[];
}

/** What `createApiKeys` does, as far as the endpoint sees it. */
const KEYS: Readonly<Record<string, Key>> = {
  "acme-key": { id: "k1", scopes: ["embeds:create"], tenants: ["acme"] },
  "good-key": { id: "k2", scopes: ["embeds:create"] },
  "reading-key": { id: "k3", scopes: ["datasets:read"] },
};
const keys: KeyVerifier<Key> = {
  async verify(text = "", { scope }) {
    if (text === "guessed") return { ok: false, reason: "throttled", retryAfterMs: 2500 };
    const key = KEYS[text];
    if (!key) return { ok: false, reason: "unknown" };
    return key.scopes.includes(scope ?? "") ? { ok: true, key } : { ok: false, reason: "missing-scope" };
  },
  authorise: async (key, { limits }) => ({ ok: key.tenants?.includes(limits?.["tenant"] ?? "") ?? true }),
};
const authorise = anyOf(
  byAdminToken(async (token) => (token === "admin-token" ? { subject: "ann" } : undefined)),
  byApiKey(keys),
);

function setUp(options: Partial<EndpointOptions<Filters>> = {}) {
  const { embedding, ...setting } = setUpEmbedding();
  const requested: TokenRequestedEvent[] = [];
  const clock = createManualClock(NOW);
  const endpoint = embedEndpoint({
    embedding,
    authorise,
    page: "https://dashboards.example.com/embed/:dashboard?theme=dark",
    on: { requested: (event) => requested.push(event) },
    clock,
    ...options,
  });
  const post = (
    body: object | string = GRANT,
    headers: Readonly<Record<string, string>> = { "x-api-key": "good-key" },
  ) =>
    endpoint(
      new Request("https://dashboards.example.com/api/embed/token", {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
    );
  const outcomes = () => requested.map(({ outcome, caller }) => [outcome, caller]);
  return { ...setting, embedding, endpoint, clock, requested, outcomes, post };
}

describe("POST /api/embed/token", () => {
  it("answers with a token, how long it is good for, and where the page is", async () => {
    const { embedding, post, outcomes } = setUp();
    const response = await post({
      ...GRANT,
      dashboard: "sales/eu",
      tenant: "acme",
      scopes: ["view"],
      filters: { region: "eu" },
      lifetime: "30s",
    });
    expect(response.status).toBe(201);
    expect(response.headers.get("cache-control")).toBe("no-store");
    const ticket = (await response.json()) as Record<string, string>;
    expect(ticket).toEqual({
      token: expect.any(String),
      tokenId: expect.any(String),
      expiresIn: 30,
      url: expect.any(String),
    });
    const url = new URL(ticket["url"]!);
    expect(url.href).toMatch(/^https:\/\/dashboards\.example\.com\/embed\/sales%2Feu\?theme=dark&pass=/);
    expect(await embedding.admit(url.searchParams.get("pass") ?? "", { dashboard: "sales/eu" })).toMatchObject({
      ok: true,
    });
    const opened = await embedding.exchange(ticket["token"], { origin: ORIGIN });
    const session = opened.ok ? opened.session.reveal() : "";
    expect(await embedding.session(session, { origin: ORIGIN })).toMatchObject({
      grant: { tenant: "acme", scopes: ["view"], filters: { region: "eu" } },
    });
    expect(outcomes()).toEqual([["issued", "key k2"]]);
  });

  it("never makes the same token twice", async () => {
    const { post } = setUp({ limiter: { consume: async () => ({ allowed: true }) } });
    const tickets = await Promise.all(
      Array.from({ length: 200 }, async () => (await post()).json() as Promise<{ token: string }>),
    );
    expect(new Set(tickets.map(({ token }) => token)).size).toBe(200);
  });

  it.each<[string, Readonly<Record<string, string>>, number, string]>([
    ["nobody", {}, 401, "unauthenticated"],
    ["a key that is not known", { "x-api-key": "other" }, 401, "unauthenticated"],
    ["two keys that differ", { "x-api-key": "good-key", authorization: "Bearer acme-key" }, 401, "unauthenticated"],
    ["a key for something else", { "x-api-key": "reading-key" }, 403, "forbidden"],
    ["a key that was guessed too often", { "x-api-key": "guessed" }, 429, "throttled"],
    ["a key confined to another tenant", { "x-api-key": "acme-key" }, 403, "forbidden"],
    ["a key in another scheme", { authorization: "Basic good-key" }, 401, "unauthenticated"],
  ])("is not for %s", async (_, headers, status, outcome) => {
    const { post, requested } = setUp();
    const response = await post({ ...GRANT, tenant: "apex" }, headers);
    expect(response.status).toBe(status);
    if (status === 401) expect(response.headers.get("www-authenticate")).toBe("Bearer");
    if (status === 429) expect(response.headers.get("retry-after")).toBe("3");
    expect(requested.map((event) => event.outcome)).toEqual([outcome]);
  });

  it.each<[string, Readonly<Record<string, string>>, string]>([
    ["an API key", { "x-api-key": "acme-key" }, "key k1"],
    ["an API key as bearer", { authorization: "Bearer acme-key" }, "key k1"],
    ["an administrator", { authorization: "bearer admin-token" }, "admin ann"],
  ])("is for %s", async (_, headers, caller) => {
    const { post, outcomes } = setUp();
    expect((await post({ ...GRANT, tenant: "acme" }, headers)).status).toBe(201);
    expect(outcomes()).toEqual([["issued", caller]]);
  });

  it.each<[string, object | string, string]>([
    ["no subject", { ...GRANT, subject: undefined }, "subject must be a text"],
    ["a subject that is an object", { ...GRANT, subject: { id: "user-7" } }, "subject must be a text"],
    ["origins that are one text", { ...GRANT, origins: ORIGIN }, "origins must be a list of origins"],
    ["no origins", { ...GRANT, origins: [] }, "origins must be 1 to 32 origins"],
    ["any origin", { ...GRANT, origins: ["*"] }, "origins must be 1 to 32 origins"],
    ["an opaque origin", { ...GRANT, origins: ["null"] }, "origins must be 1 to 32 origins"],
    ["an origin with a path", { ...GRANT, origins: [`${ORIGIN}/`] }, `did you mean ${ORIGIN}?`],
    ["a scope that is no scope", { ...GRANT, scopes: ["a b"] }, "scopes must be"],
    ["scopes that are numbers", { ...GRANT, scopes: [1] }, "scopes must be a list of texts"],
    ["filters that are a list", { ...GRANT, filters: [1] }, "filters must be an object"],
    ["a tenant of a wrong form", { ...GRANT, tenant: "a/b" }, "tenant must be"],
    ["a life of nothing", { ...GRANT, lifetime: -1 }, "lifetime must be"],
    ["a life without end", { ...GRANT, lifetime: 1e300 }, "The body must be one JSON object."],
    ["half a second", { ...GRANT, lifetime: 500 }, "lifetime is 500 ms"],
    ["a life too long", { ...GRANT, lifetime: "3600s" }, "lifetime is 3600000 ms"],
    ["a life in words", { ...GRANT, lifetime: "a while" }, "lifetime must be"],
    ["a claim of its own", { ...GRANT, exp: 9_999_999_999 }, '"exp" is not known'],
    [
      "a member of Object",
      `{"subject":"a","dashboard":"b","origins":["${ORIGIN}"],"__proto__":{}}`,
      '"__proto__" is not known',
    ],
    ["a member twice", `{"subject":"a","subject":"b"}`, "The body must be one JSON object."],
    ["a list", "[]", "The body must be one JSON object."],
  ])("makes no token of %s", async (_, body, detail) => {
    const { post, outcomes } = setUp();
    const response = await post(body);
    expect(response.status).toBe(400);
    expect(((await response.json()) as { detail: string }).detail).toContain(detail);
    expect(outcomes()).toEqual([["invalid", "key k2"]]);
  });

  it("makes no token of filters that the schema refuses", async () => {
    const { embedding } = setUpEmbedding({ schema: z.strictObject({ region: z.enum(["eu", "us"]) }) });
    const endpoint = embedEndpoint({ embedding, authorise, page: "https://dashboards.example.com/" });
    const response = await endpoint(
      new Request("https://dashboards.example.com/api/embed/token", {
        method: "POST",
        headers: { "content-type": "application/json", "x-api-key": "good-key" },
        body: JSON.stringify({ ...GRANT, filters: { region: "moon" } }),
      }),
    );
    expect(response.status).toBe(400);
    expect(await response.text()).toContain("filters are refused by the schema: region");
  });

  it("makes ten tokens a minute for each caller unless told otherwise", async () => {
    const { post, clock } = setUp();
    for (let turn = 0; turn < 10; turn++) {
      expect((await post()).status).toBe(201);
      clock.advance(1000);
    }
    const refused = await post();
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "50"]);
    expect((await post(GRANT, { authorization: "Bearer admin-token" })).status).toBe(201);
    clock.advance(49_999);
    expect((await post()).status).toBe(429);
    clock.advance(1);
    expect((await post()).status).toBe(201);
    expect((await post()).status).toBe(429);
  });

  it("asks the limiter that it is given, by caller, before it reads the body", async () => {
    const asked: string[] = [];
    const limiter = {
      async consume(key: string) {
        asked.push(key);
        return { allowed: false, retryAfterMs: 1 };
      },
    };
    const { post, outcomes } = setUp({ limiter });
    const response = await post("{");
    expect([response.status, response.headers.get("retry-after")]).toEqual([429, "1"]);
    expect(asked).toEqual(["key k2"]);
    expect(outcomes()).toEqual([["throttled", "key k2"]]);
  });

  it("is not there while it is switched off", async () => {
    let enabled = false;
    const { post, outcomes } = setUp({ enabled: () => enabled });
    expect((await post()).status).toBe(404);
    enabled = true;
    expect((await post()).status).toBe(201);
    expect((await setUp({ enabled: false }).post()).status).toBe(404);
    expect(outcomes()).toEqual([
      ["disabled", undefined],
      ["issued", "key k2"],
    ]);
  });

  it("answers 503 where a store of keys or limits fails, and lets nobody in on a guess", async () => {
    const fails = async (): Promise<never> => Promise.reject(new Error("connection refused"));
    for (const options of [{ authorise: fails }, { limiter: { consume: fails } }]) {
      const { post, requested } = setUp(options);
      const response = await post();
      expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
      expect(await response.text()).not.toContain("refused");
      expect(requested.map(({ outcome }) => outcome)).toEqual(["failed"]);
    }
  });

  it("is asked by POST", async () => {
    const { endpoint } = setUp();
    const response = await endpoint(new Request("https://dashboards.example.com/api/embed/token"));
    expect([response.status, response.headers.get("allow")]).toEqual([405, "POST"]);
  });

  it("tells who asked and how it went, and no token", async () => {
    const { post, requested } = setUp();
    const ticket = (await (await post(GRANT, { "x-api-key": "good-key", "x-request-id": "r1" })).json()) as {
      token: string;
    };
    expect(requested).toEqual([
      {
        outcome: "issued",
        caller: "key k2",
        durationMs: 0,
        requestId: "r1",
        method: "POST",
        path: "/api/embed/token",
        address: undefined,
      },
    ]);
    expect(JSON.stringify(requested)).not.toContain(ticket.token);
  });

  it("can compute the page of a grant", async () => {
    const { post } = setUp({ page: ({ tenant = "" }) => `https://${tenant}.example.com/` });
    const ticket = (await (await post({ ...GRANT, tenant: "acme" })).json()) as { url: string };
    expect(ticket.url).toMatch(/^https:\/\/acme\.example\.com\/\?pass=/);
  });

  it("is not made for a page that is no URL", () => {
    expect(() => setUp({ page: "/embed/:dashboard" })).toThrow("page must be a URL");
  });
});
