import { serve } from "@holdfast/testing";
import { getRequestListener } from "@hono/node-server";
import express from "express";
import { type Context, Hono } from "hono";
import { describe, expect, it, onTestFinished } from "vitest";
import * as forExpress from "../src/http/express.ts";
import * as forFetch from "../src/http/fetch.ts";
import * as forHono from "../src/http/hono.ts";
import { DASHBOARDS, FRAME, setUpEmbedding } from "./embedding-support.ts";
import { ORIGIN } from "./support.ts";

const authorise = forFetch.byAdminToken(async (token) => (token === "admin" ? { subject: "ann" } : undefined));
const page = `${DASHBOARDS}/embed/:dashboard`;

type Setting = ReturnType<typeof setUpEmbedding>;
type Listener = Parameters<typeof serve>[0];

function expressApp({ embedding }: Setting, parsed: boolean): Listener {
  const app = express();
  if (parsed) app.use(express.json());
  app.post("/api/embed/token", forExpress.embedEndpoint({ embedding, authorise, page }));
  app.get(
    "/embed/:id",
    forExpress.embedPage({ embedding, dashboard: (_, request: express.Request) => String(request.params["id"]) }),
    (_, response) => {
      response.send("the page");
    },
  );
  app.post("/embed/session", forExpress.embedExchange({ embedding, origin: DASHBOARDS }));
  app.post("/embed/cookie", forExpress.embedExchange({ embedding, origin: DASHBOARDS, keptAs: "cookie" }));
  app.get("/api/rows", forExpress.embedSession({ embedding }), (request, response) => {
    response.json({ subject: forExpress.grantOf(request)?.subject, address: request.socket.remoteAddress });
  });
  app.get("/public", (request, response) => void response.json({ subject: forExpress.grantOf(request) ?? null }));
  return app;
}

function honoApp({ embedding }: Setting): Listener {
  const app = new Hono();
  app.post("/api/embed/token", forHono.embedEndpoint({ embedding, authorise, page }));
  app.get(
    "/embed/:id",
    forHono.embedPage({ embedding, dashboard: (_, context: Context) => context.req.param("id") ?? "" }),
    (context) => context.text("the page"),
  );
  app.post("/embed/session", forHono.embedExchange({ embedding, origin: DASHBOARDS }));
  app.post("/embed/cookie", forHono.embedExchange({ embedding, origin: DASHBOARDS, keptAs: "cookie" }));
  app.get("/api/rows", forHono.embedSession({ embedding }), (context) =>
    context.json({ subject: forHono.grantOf(context)?.subject, address: "127.0.0.1" }),
  );
  app.get("/public", (context) => context.json({ subject: forHono.grantOf(context) ?? null }));
  return getRequestListener(app.fetch);
}

function fetchApp({ embedding }: Setting): Listener {
  const endpoint = forFetch.embedEndpoint({ embedding, authorise, page });
  const showPage = forFetch.embedPage(
    { embedding, dashboard: (view) => view.url.split(/[/?]/)[2] ?? "" },
    () => new Response("the page"),
  );
  const exchange = forFetch.embedExchange({ embedding, origin: DASHBOARDS });
  const exchangeForCookie = forFetch.embedExchange({ embedding, origin: DASHBOARDS, keptAs: "cookie" });
  const rows = forFetch.embedSession({ embedding }, (_, grant) =>
    Response.json({ subject: grant.subject, address: "127.0.0.1" }),
  );
  return getRequestListener((request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/api/embed/token") return endpoint(request);
    if (pathname === "/embed/session") return exchange(request);
    if (pathname === "/embed/cookie") return exchangeForCookie(request);
    if (pathname === "/api/rows") return rows(request);
    return pathname === "/public" ? Response.json({ subject: null }) : showPage(request);
  });
}

describe.each<[string, (setting: Setting) => Listener]>([
  ["Express", (setting) => expressApp(setting, false)],
  ["Express behind a body parser", (setting) => expressApp(setting, true)],
  ["Hono", honoApp],
  ["fetch handlers", fetchApp],
])("%s", (_, appOf) => {
  async function start() {
    const setting = setUpEmbedding();
    const site = await serve(appOf(setting));
    onTestFinished(() => site[Symbol.asyncDispose]());
    const send = (path: string, init: RequestInit = {}): Promise<Response> => fetch(`${site.url}${path}`, init);
    const post = (path: string, body: object, headers: Readonly<Record<string, string>>): Promise<Response> =>
      send(path, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      });
    return { ...setting, send, post };
  }

  it("take a dashboard from its token to its rows", async () => {
    const { send, post } = await start();
    const asked = { subject: "user-7", dashboard: "sales", origins: [ORIGIN] };
    const issued = await post("/api/embed/token", asked, { authorization: "Bearer admin" });
    expect([issued.status, issued.headers.get("content-type")]).toEqual([201, "application/json"]);
    const { token, url } = (await issued.json()) as { token: string; url: string };
    const shown = await send(url.slice(DASHBOARDS.length), { headers: { "sec-fetch-dest": "iframe" } });
    expect([shown.status, await shown.text()]).toEqual([200, "the page"]);
    expect(shown.headers.get("content-security-policy")).toBe(`frame-ancestors ${ORIGIN}`);
    expect(shown.headers.get("cache-control")).toBe("no-store");
    const opened = await post("/embed/session", { token, origin: ORIGIN, frame: FRAME }, { origin: DASHBOARDS });
    expect(opened.status).toBe(200);
    const { session } = (await opened.json()) as { session: string };
    const rows = await send("/api/rows", { headers: { authorization: `Bearer ${session}`, "embed-origin": ORIGIN } });
    expect(await rows.json()).toMatchObject({ subject: "user-7" });
  });

  it("answer what is refused by a problem, and go no further", async () => {
    const { send, post, refusals } = await start();
    const answers = [
      await post("/api/embed/token", {}, {}),
      await send("/embed/sales"),
      await post("/embed/session", { token: "x", origin: ORIGIN, frame: FRAME }, { origin: DASHBOARDS }),
      await send("/api/rows"),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(401);
      expect(answer.headers.get("content-type")).toBe("application/problem+json");
      expect(answer.headers.get("cache-control")).toBe("no-store");
      expect(await answer.json()).toMatchObject({ title: "Unauthorized", status: 401 });
    }
    expect(refusals.map(({ reason }) => reason)).toEqual(["missing", "malformed", "missing"]);
  });

  it("keep a session in a cookie, and open none that browsers would drop", async () => {
    const { issue, post, refusals } = await start();
    const opened = async (region: string): Promise<Response> => {
      const { token } = await issue({ filters: { region } });
      return await post("/embed/cookie", { token, origin: ORIGIN, frame: FRAME }, { origin: DASHBOARDS });
    };
    const kept = await opened("eu");
    expect([kept.status, kept.headers.get("set-cookie")]).toEqual([200, expect.stringMatching(/^__Host-embed-/)]);
    const dropped = await opened("x".repeat(3000));
    expect([dropped.status, dropped.headers.get("set-cookie")]).toEqual([413, null]);
    expect(await dropped.json()).toMatchObject({
      title: "Session too large",
      detail: expect.stringContaining("browsers keep 4096"),
    });
    expect(refusals).toMatchObject([{ kind: "session", reason: "too-large", path: "/embed/cookie" }]);
  });

  it("read no body but one JSON object of a bearable size", async () => {
    const { post, send } = await start();
    const headers = { authorization: "Bearer admin" };
    expect((await post("/api/embed/token", [], headers)).status).toBe(400);
    expect((await post("/api/embed/token", { subject: "a".repeat(200_000) }, headers)).status).toBe(413);
    const form = await send("/api/embed/token", {
      method: "POST",
      headers,
      body: new URLSearchParams({ subject: "a" }),
    });
    expect(form.status).toBe(415);
  });

  it("know of no grant where nothing was checked", async () => {
    const { send } = await start();
    expect(await (await send("/public")).json()).toEqual({ subject: null });
  });
});
