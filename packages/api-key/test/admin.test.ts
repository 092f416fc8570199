import { describe, expect, it } from "vitest";
import { type AdminOptions, adminApi } from "../src/admin.ts";
import { setUp } from "./support.ts";

/** Of whichever answer: what is looked at of it. */
interface Body {
  readonly id: string;
  readonly key: string;
  readonly keys: readonly { readonly id: string }[];
  readonly previous: unknown;
  readonly paths: Record<
    string,
    { readonly post: { readonly requestBody: { readonly content: Record<string, { readonly schema: unknown }> } } }
  >;
}

async function start(options: Partial<AdminOptions> = {}) {
  const setting = setUp();
  const admin = await setting.create({ name: "admin", owner: "ops", scopes: ["keys:admin", "datasets:*"] });
  const handle = adminApi({ keys: setting.keys, ...options });
  const ask = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await handle(
      new Request(`https://api.example.com${path}`, {
        method,
        headers: { "x-api-key": admin.plain, "content-type": "application/json", ...headers },
        ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
      }),
    );
    return { status: response.status, headers: response.headers, body: (await response.json()) as Body };
  };
  return { ...setting, admin, ask };
}

const NEW = { name: "export", owner: "team-9", scopes: ["datasets:read"] };

describe("the admin API", () => {
  it("makes a key, and shows it once", async () => {
    const { ask, keys } = await start();
    const made = await ask("POST", "/keys", { ...NEW, expiresIn: "90d", metadata: { ticket: "T-1" } });
    expect(made.status).toBe(201);
    expect(made.headers.get("cache-control")).toBe("no-store");
    expect(await keys.verify(made.body.key, { scope: "datasets:read" })).toMatchObject({ ok: true });
    const one = await ask("GET", `/keys/${made.body.id}`);
    expect(one.body).toMatchObject({ name: "export", owner: "team-9", metadata: { ticket: "T-1" } });
    const list = await ask("GET", "/keys?owner=team-9");
    expect(list.body.keys).toEqual([one.body]);
    for (const answer of [one, list]) {
      expect(JSON.stringify(answer.body)).not.toContain(made.body.key.slice(-34));
      expect(JSON.stringify(answer.body)).not.toMatch(/digest|pepper/);
    }
  });

  it("rotates and revokes", async () => {
    const { ask, keys, create } = await start();
    const old = await create();
    const rotated = await ask("POST", `/keys/${old.key.id}/rotate`, { grace: "1h" });
    expect(rotated.status).toBe(201);
    expect(rotated.body.previous).toMatchObject({ id: old.key.id, successorId: rotated.body.id });
    expect(await keys.verify(rotated.body.key)).toMatchObject({ ok: true });
    const revoked = await ask("POST", `/keys/${old.key.id}/revoke`, { because: "done" });
    expect(revoked.body).toMatchObject({ revokedBecause: "done" });
    expect(await keys.verify(old.plain)).toMatchObject({ ok: false });
    expect((await ask("POST", `/keys/${old.key.id}/rotate`, {})).status).toBe(409);
    expect((await ask("POST", `/keys/${rotated.body.id}/revoke`)).status).toBe(200);
  });

  it("is closed to whoever has no key, a bad one, or one without keys:admin", async () => {
    const { ask, create } = await start();
    const { plain } = await create({ scopes: ["keys:read", "datasets:*"] });
    for (const [path, method] of [
      ["/keys", "GET"],
      ["/keys", "POST"],
      ["/keys/x", "GET"],
      ["/keys/x/rotate", "POST"],
      ["/keys/x/revoke", "POST"],
    ] as const) {
      const body = method === "POST" ? NEW : undefined;
      expect((await ask(method, path, body, { "x-api-key": "" })).status).toBe(401);
      expect((await ask(method, path, body, { "x-api-key": "nonsense" })).status).toBe(401);
      expect((await ask(method, path, body, { "x-api-key": plain })).status).toBe(403);
    }
  });

  it("hands on nothing that whoever asks does not hold", async () => {
    const { ask } = await start();
    for (const scopes of [["reports:read"], ["*:*"], ["datasets:*", "keys:*"]]) {
      expect((await ask("POST", "/keys", { ...NEW, scopes })).status).toBe(403);
    }
    expect((await ask("POST", "/keys", { ...NEW, role: "admin" })).status).toBe(403);
  });

  it("asks the authoriser that it was given, and takes nobody for somebody", async () => {
    const authorise = (request: Request) =>
      request.headers.get("x-session") === "s-1" ? { id: "user 1", scopes: ["datasets:read"] } : undefined;
    const { ask } = await start({ authorise });
    expect((await ask("POST", "/keys", NEW)).status).toBe(403);
    const made = await ask("POST", "/keys", NEW, { "x-session": "s-1" });
    expect(made.body).toMatchObject({ createdBy: "user 1" });
  });

  it.each([
    ["an unknown field", { ...NEW, by: { id: "root", scopes: ["*:*"] } }],
    ["trust from the body", { ...NEW, userId: "1", createdBy: "root" }],
    ["an object for a text", { ...NEW, owner: { $ne: null } }],
    ["an array for a text", { ...NEW, name: ["export"] }],
    ["a number for a text", { ...NEW, owner: 7 }],
    ["a text for scopes", { ...NEW, scopes: "datasets:read" }],
    ["an object among scopes", { ...NEW, scopes: [{ action: "read" }] }],
    ["a scope of no form", { ...NEW, scopes: ["datasets"] }],
    ["a number for a duration", { ...NEW, expiresIn: 5 }],
    ["no duration", { ...NEW, expiresIn: "forever" }],
    ["limits that are no lists", { ...NEW, limits: { dataset: "sales" } }],
    ["an unknown role", { ...NEW, role: "emperor" }],
    ["no name", { owner: "x" }],
    ["nothing", {}],
    ["an array", [NEW]],
    ["null", null],
  ])("refuses %s", async (_what, body) => {
    const { ask, keys } = await start();
    const answer = await ask("POST", "/keys", body);
    expect(answer.status).toBe(400);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(await keys.list()).toHaveLength(1);
  });

  it("refuses what is no JSON, too long, or of another type", async () => {
    const { ask } = await start();
    expect((await ask("POST", "/keys", "{")).status).toBe(400);
    expect((await ask("POST", "/keys", JSON.stringify({ ...NEW, name: "x".repeat(70_000) }))).status).toBe(413);
    expect((await ask("POST", "/keys", "name=x", { "content-type": "application/x-www-form-urlencoded" })).status).toBe(
      415,
    );
  });

  it.each(["limit=0", "limit=1001", "limit=1e3", "include-ended=1", "owner=", "nonsense=1"])(
    "refuses a list by ?%s",
    async (query) => {
      const { ask } = await start();
      expect((await ask("GET", `/keys?${query}`)).status).toBe(400);
    },
  );

  it("lists page by page, with or without what has ended", async () => {
    const { ask, create, keys } = await start();
    const ids = [];
    for (let made = 0; made < 5; made++) ids.push((await create({ owner: "team-9" })).key.id);
    ids.sort();
    await keys.revoke(ids[0] as string);
    const idsOf = async (query: string) =>
      (await ask("GET", `/keys?owner=team-9&${query}`)).body.keys.map(({ id }: { id: string }) => id);
    expect(await idsOf("limit=2")).toEqual(ids.slice(0, 2));
    expect(await idsOf(`after=${ids[1]}`)).toEqual(ids.slice(2));
    expect(await idsOf("include-ended=false")).toEqual(ids.slice(1));
  });

  it("knows no key that is not there", async () => {
    const { ask } = await start();
    expect((await ask("GET", "/keys/nobody")).status).toBe(404);
    expect((await ask("POST", "/keys/nobody/revoke", {})).status).toBe(404);
    expect((await ask("GET", "/nothing")).status).toBe(404);
  });

  it("describes itself, for whoever asks", async () => {
    const { ask } = await start({ basePath: "/admin" });
    const { status, body } = await ask("GET", "/openapi.json", undefined, { "x-api-key": "" });
    expect(status).toBe(200);
    expect(body).toMatchObject({ openapi: "3.1.0", servers: [{ url: "/admin" }] });
    expect(Object.keys(body.paths)).toEqual(["/keys", "/keys/{id}", "/keys/{id}/rotate", "/keys/{id}/revoke"]);
    const { content } = body.paths["/keys"]?.post.requestBody ?? {};
    expect(content?.["application/json"]?.schema).toMatchObject({
      required: ["name", "owner"],
      additionalProperties: false,
    });
  });

  it("says nothing of why a store fails", async () => {
    const { keys } = setUp();
    const handle = adminApi({
      keys: { ...keys, list: () => Promise.reject(new Error("password=hunter2")) },
      authorise: () => ({ id: "x", scopes: [] }),
    });
    const response = await handle(new Request("https://api.example.com/keys"));
    expect(response.status).toBe(503);
    expect(await response.text()).not.toContain("hunter2");
  });
});
