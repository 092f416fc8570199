// Packages that meet by structure, and import one another nowhere: the endpoint of embed-token, the keys of api-key, and limiters of
// rate-limiter for both.

import { describe, expect, it } from "vitest";
import { type ApiKeysOptions, createApiKeys, memoryKeyStore, type NewKey } from "../../packages/api-key/src/index.ts";
import { createManualClock } from "../../packages/core/src/index.ts";
import { byApiKey, embedEndpoint } from "../../packages/embed-token/src/http/fetch.ts";
import { createEmbedding } from "../../packages/embed-token/src/index.ts";
import { createRateLimiter } from "../../packages/rate-limiter/src/index.ts";

const ORIGIN = "https://portal.example.org";

function setUp(options: Partial<ApiKeysOptions> = {}) {
  const clock = createManualClock(1_800_000_000_000);
  const failures = createRateLimiter({ name: "failed keys", rules: "3/minute", clock });
  const told: unknown[] = [];
  const keys = createApiKeys({
    store: memoryKeyStore(),
    prefix: "acme",
    failures,
    clock,
    on: {
      used: ({ keyId, scope, requestId }) => told.push(["used", keyId, scope, requestId]),
      refused: ({ reason, scope, requestId }) => told.push(["refused", reason, scope, requestId]),
    },
    ...options,
  });
  const embedding = createEmbedding({
    keys: [{ id: "k1", key: crypto.getRandomValues(new Uint8Array(32)) }],
    issuer: "https://app.example.com",
    audience: "dashboards",
    clock,
  });
  const endpoint = embedEndpoint({
    embedding,
    authorise: byApiKey(keys),
    page: "https://dashboards.example.com/embed/:dashboard",
    limiter: createRateLimiter({ name: "embed tokens", rules: "10/minute", clock }),
    on: { requested: ({ outcome, caller }) => told.push([outcome, caller]) },
    clock,
    address: () => "192.0.2.7",
  });
  const ask = (key: string, grant: object = {}): Promise<Response> =>
    endpoint(
      new Request("https://dashboards.example.com/api/embed/token", {
        method: "POST",
        headers: { "content-type": "application/json", "x-api-key": key, "x-request-id": "r-1" },
        body: JSON.stringify({ subject: "user-7", dashboard: "sales", origins: [ORIGIN], ...grant }),
      }),
    );
  const status = async (key: string, grant?: object): Promise<number> => (await ask(key, grant)).status;
  const create = async (key: Partial<NewKey> = {}) => {
    const { text, key: info } = await keys.create({ name: "portal", owner: "ann", scopes: ["embeds:create"], ...key });
    return { plain: text.reveal(), id: info.id };
  };
  return { keys, embedding, clock, told, ask, status, create };
}

describe("an API key has embed tokens made", () => {
  it("where it holds embeds:create, and both trails name it", async () => {
    const { embedding, told, ask, create } = setUp();
    const { plain, id } = await create();
    const response = await ask(plain);
    expect(response.status).toBe(201);
    const { token } = (await response.json()) as { token: string };
    expect(await embedding.exchange(token, { origin: ORIGIN })).toMatchObject({ ok: true, subject: "user-7" });
    expect(told).toEqual([
      ["used", id, "embeds:create", "r-1"],
      ["used", id, "embeds:create", "r-1"],
      ["issued", `key ${id}`],
    ]);
  });

  it("where a wildcard or a role covers that, and not where it holds something else", async () => {
    const { told, status, create } = setUp();
    expect(await status((await create({ scopes: ["embeds:*"] })).plain)).toBe(201);
    expect(await status((await create({ scopes: [], role: "admin" })).plain)).toBe(201);
    expect(await status((await create({ scopes: ["datasets:read"] })).plain)).toBe(403);
    expect(told.at(-1)).toEqual(["forbidden", undefined]);
  });

  it("for the tenants and dashboards that it is confined to, and for no others", async () => {
    const { status, create } = setUp();
    const { plain } = await create({ limits: { tenant: ["acme"], dashboard: ["sales", "stock"] } });
    expect(await status(plain, { tenant: "acme", dashboard: "stock" })).toBe(201);
    expect(await status(plain, { tenant: "apex", dashboard: "stock" })).toBe(403);
    expect(await status(plain, { dashboard: "stock" })).toBe(403);
    expect(await status(plain, { tenant: "acme", dashboard: "costs" })).toBe(403);
  });

  it("while its owner may", async () => {
    const rights = new Set(["ann"]);
    const { status, create } = setUp({ ownerMay: (owner) => rights.has(owner) });
    const { plain } = await create();
    expect(await status(plain)).toBe(201);
    rights.clear();
    expect(await status(plain)).toBe(403);
  });

  it("until it is revoked or over", async () => {
    const { keys, clock, status, create } = setUp();
    const [revoked, expired] = [await create(), await create({ expiresIn: "1h" })];
    expect([await status(revoked.plain), await status(expired.plain)]).toEqual([201, 201]);
    await keys.revoke(revoked.id);
    clock.advance(3_600_000);
    expect([await status(revoked.plain), await status(expired.plain)]).toEqual([401, 401]);
  });

  it("ten times a minute", async () => {
    const { clock, ask, status, create } = setUp();
    const { plain } = await create();
    for (let turn = 0; turn < 10; turn++) expect(await status(plain)).toBe(201);
    const refused = await ask(plain);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "6"]);
    expect(await status((await create()).plain)).toBe(201);
    clock.advance(6000);
    expect(await status(plain)).toBe(201);
  });
});

it("whoever guesses keys is shut out, and told when to come again", async () => {
  const { keys, ask, told } = setUp();
  for (let guess = 0; guess < 3; guess++) expect((await ask(keys.format.make("live").text)).status).toBe(401);
  const refused = await ask(keys.format.make("live").text);
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "20"]);
  expect(told.slice(-2)).toEqual([
    ["refused", "throttled", undefined, "r-1"],
    ["throttled", undefined],
  ]);
});
