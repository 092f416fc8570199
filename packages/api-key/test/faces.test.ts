// One service behind each face: what it answers must be the same in all of them.

import { type Site, serve } from "@holdfast/testing";
import { getRequestListener } from "@hono/node-server";
import express from "express";
import { Hono } from "hono";
import { afterEach, describe, expect, it } from "vitest";
import * as inExpress from "../src/http/express.ts";
import * as inFetch from "../src/http/fetch.ts";
import * as inHono from "../src/http/hono.ts";
import type { ApiKeysOptions, KeyStore } from "../src/index.ts";
import { memoryKeyStore } from "../src/index.ts";

import { setUp } from "./support.ts";

type Keys = ReturnType<typeof setUp>["keys"];

/** `/api/data` needs `datasets:read`, for the dataset named in its query where one is; `/api/health` is public. */
const faces: Readonly<Record<string, (keys: Keys) => Promise<Site>>> = {
  Express: (keys) => {
    const app = express();
    app.use("/api", inExpress.apiKey({ keys, isPublic: (view) => view.url === "/api/health" }));
    app.get(
      "/api/health",
      (request, response) => void response.json({ owner: inExpress.keyOf(request)?.owner ?? null }),
    );
    const rights = { keys, scope: "datasets:read", limits: (view: { url: string }) => datasetOf(view.url) };
    app.get("/api/data", inExpress.requireScope(rights), (request, response) => {
      response.json({ owner: inExpress.keyOf(request)?.owner });
    });
    return serve(app);
  },
  Hono: (keys) => {
    const app = new Hono();
    app.use("/api/*", inHono.apiKey({ keys, isPublic: (view) => view.url === "/api/health" }));
    app.get("/api/health", (context) => context.json({ owner: inHono.keyOf(context)?.owner ?? null }));
    const rights = { keys, scope: "datasets:read", limits: (view: { url: string }) => datasetOf(view.url) };
    app.get("/api/data", inHono.requireScope(rights), (context) =>
      context.json({ owner: inHono.keyOf(context)?.owner }),
    );
    return serve(getRequestListener(app.fetch));
  },
  fetch: (keys) => {
    const handler = inFetch.apiKey(
      {
        keys,
        isPublic: (view) => view.url === "/api/health",
        scope: "datasets:read",
        limits: (view) => datasetOf(view.url),
        address: () => "192.0.2.7",
      },
      (_request, key) => Response.json({ owner: key?.owner ?? null }),
    );
    return serve(getRequestListener(handler));
  },
};

function datasetOf(url: string): { dataset: string } | undefined {
  const dataset = new URL(url, "http://localhost").searchParams.get("dataset");
  return dataset === null ? undefined : { dataset };
}

let site: Site | undefined;
afterEach(() => site?.[Symbol.asyncDispose]());

async function start(face: string, options?: Partial<ApiKeysOptions> & { store?: ReturnType<typeof memoryKeyStore> }) {
  const setting = setUp(options);
  site = await (faces[face] as (keys: Keys) => Promise<Site>)(setting.keys);
  const { url } = site;
  const get = (headers: Record<string, string>, path = "/api/data") => fetch(`${url}${path}`, { headers });
  return { ...setting, get };
}

describe.each(Object.keys(faces))("the face for %s", (face) => {
  it("takes a key from X-API-Key or as Bearer, whatever the scheme's case", async () => {
    const { get, create } = await start(face);
    const { plain } = await create();
    for (const headers of [
      { "x-api-key": plain },
      { authorization: `Bearer ${plain}` },
      { authorization: `bearer  ${plain}` },
      { authorization: `Bearer ${plain}`, "x-api-key": plain },
      { authorization: "Basic dTpw", "x-api-key": plain },
    ]) {
      const response = await get(headers);
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual({ owner: "team-7" });
    }
  });

  it("asks for a key where there is none", async () => {
    const { get } = await start(face);
    const response = await get({});
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe('Bearer realm="api"');
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await response.json()).toMatchObject({ status: 401, detail: expect.stringContaining("X-API-Key") });
    expect((await get({ authorization: "Basic dTpw" })).status).toBe(401);
  });

  it("gives one answer to unknown, wrong, revoked, expired and malformed keys", async () => {
    const { get, keys, create, clock } = await start(face);
    const [revoked, expired, wrong] = [await create(), await create({ expiresIn: "1h" }), await create()];
    await keys.revoke(revoked.key.id);
    clock.advance(3_600_000);
    const texts = {
      unknown: setUp().keys.format.make("live").text,
      wrong: wrong.plain.replace(/.$/, (last) => (last === "0" ? "1" : "0")),
      revoked: revoked.plain,
      expired: expired.plain,
      malformed: "nonsense",
    };
    const answers = await Promise.all(
      Object.values(texts).map(async (text) => {
        const response = await get({ "x-api-key": text });
        return [response.status, response.headers.get("www-authenticate"), await response.text()];
      }),
    );
    expect(answers[0]?.slice(0, 2)).toEqual([401, 'Bearer realm="api", error="invalid_token"']);
    for (const answer of answers) expect(answer).toEqual(answers[0]);
  });

  it("refuses two keys that differ, and one header sent twice", async () => {
    const { get, create } = await start(face);
    const [one, other] = [await create(), await create()];
    for (const headers of [
      { "x-api-key": one.plain, authorization: `Bearer ${other.plain}` },
      { "x-api-key": `${one.plain}, ${one.plain}` },
    ]) {
      const response = await get(headers);
      expect(response.status).toBe(400);
      expect(await response.text()).not.toContain(one.plain);
    }
  });

  it("refuses a key in the URL, though there is a good one in a header, and repeats neither", async () => {
    const { get, create, told } = await start(face);
    const { plain } = await create();
    for (const path of [
      `/api/data?key=${plain}`,
      `/api/data?a=b&token=${encodeURIComponent(plain)}`,
      "/api/data?api_key=anything",
      "/api/data?API-Key=anything",
      `/api/data/${plain}/x`,
    ]) {
      const response = await get({ "x-api-key": plain }, path);
      expect(response.status, path).toBe(400);
      expect(await response.text()).not.toContain(plain);
    }
    expect(JSON.stringify(told.filter(([name]) => name === "refused"))).not.toContain(plain.slice(-30));
  });

  it("says what a good key lacks", async () => {
    const { get, create } = await start(face);
    const { plain } = await create({ scopes: ["datasets:write"] });
    const response = await get({ "x-api-key": plain });
    expect(response.status).toBe(403);
    expect(response.headers.get("www-authenticate")).toBe(
      'Bearer realm="api", error="insufficient_scope", scope="datasets:read"',
    );
    expect(await response.json()).toMatchObject({ status: 403, scope: "datasets:read" });
  });

  it("keeps a key to the datasets that it is confined to", async () => {
    const { get, create } = await start(face);
    const { plain } = await create({ limits: { dataset: ["sales"] } });
    expect((await get({ "x-api-key": plain }, "/api/data?dataset=sales")).status).toBe(200);
    const response = await get({ "x-api-key": plain }, "/api/data?dataset=stock");
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ limits: { dataset: "stock" } });
  });

  it("lets public requests pass without a key, and looks at none that they bring", async () => {
    const { get, told } = await start(face);
    for (const headers of [{}, { "x-api-key": "nonsense" }]) {
      const response = await get(headers as Record<string, string>, "/api/health");
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual({ owner: null });
    }
    expect(told).toEqual([]);
  });

  it("shuts out who fails too often, with Retry-After, and asks no store any more", async () => {
    let asked = 0;
    const memory = memoryKeyStore();
    const findSync = (id: string) => {
      asked++;
      return memory.findSync(id);
    };
    const store = { ...memory, findSync };
    const failed = new Map<string, number>();
    const decide = (key: string) => {
      const count = failed.get(key) ?? 0;
      return { allowed: count < 3, remaining: Math.max(0, 3 - count), retryAfterMs: count < 3 ? 0 : 4200 };
    };
    const failures = {
      peek: async (key: string) => decide(key),
      consume: async (key: string) => {
        const decision = decide(key);
        failed.set(key, (failed.get(key) ?? 0) + 1);
        return decision;
      },
    };
    const { get } = await start(face, { store, failures });
    const { text } = setUp().keys.format.make("live");
    for (let guess = 0; guess < 3; guess++) expect((await get({ "x-api-key": text })).status).toBe(401);
    const before = asked;
    const response = await get({ "x-api-key": text });
    expect(response.status).toBe(429);
    expect(response.headers.get("retry-after")).toBe("5");
    expect(asked).toBe(before);
  });

  it("answers 503 where the store fails, and lets nobody in", async () => {
    const memory = memoryKeyStore();
    const broken: KeyStore = {
      ...memory,
      find: () => Promise.reject(new Error("postgres://user:secret@host is gone")),
    };
    delete (broken as { findSync?: unknown }).findSync;
    const { get } = await start(face, { store: broken as ReturnType<typeof memoryKeyStore> });
    const response = await get({ "x-api-key": setUp().keys.format.make("live").text });
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("1");
    expect(await response.text()).not.toContain("secret");
  });

  it("tells who used which key, for what, from where, in which request", async () => {
    const { get, create, told } = await start(face);
    const { plain, key } = await create();
    await get({ "x-api-key": plain, "x-request-id": "r-1" }, "/api/data?dataset=x");
    const used = told.filter(([name]) => name === "used").map(([, event]) => event);
    expect(used.at(-1)).toMatchObject({
      keyId: key.id,
      owner: "team-7",
      scope: "datasets:read",
      requestId: "r-1",
      method: "GET",
      path: "/api/data",
      address: face === "fetch" ? "192.0.2.7" : "127.0.0.1",
    });
    expect(JSON.stringify(told)).not.toContain(plain);
  });
});

describe("requireScope", () => {
  it("asks for a key where a public request comes to what needs a scope", async () => {
    const { keys } = setUp();
    const app = express();
    app.use(inExpress.apiKey({ keys, isPublic: () => true }));
    app.get("/", inExpress.requireScope({ keys, scope: "datasets:read" }), (_, response) => void response.end("in"));
    site = await serve(app);
    expect((await fetch(site.url)).status).toBe(401);
  });

  it("is refused a realm that would break the header", () => {
    const { keys } = setUp();
    for (const realm of ['a"b', "a\r\nb", "", "ä"]) {
      expect(() => inExpress.apiKey({ keys, realm })).toThrow(/realm must be/);
    }
  });
});
