// Three sites on loopback: the one that dashboards are served from, a portal that may show them, and one that may not.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createManualClock, type ManualClock } from "@holdfast/core";
import { getRequestListener } from "@hono/node-server";
import { build } from "esbuild";
import { type Context, Hono } from "hono";
import { createEmbedding, type Embedding, type EmbeddingOptions } from "../../src/http/embedding.ts";
import { byAdminToken, embedEndpoint, embedExchange, embedPage, embedSession, grantOf } from "../../src/http/hono.ts";
import { memoryTokenStore, type TokenHooks } from "../../src/index.ts";
import { keyOf } from "../support.ts";

export interface Site extends AsyncDisposable {
  readonly origin: string;
  fetch: (request: Request) => Response | Promise<Response>;
}

export interface Sites extends AsyncDisposable {
  readonly dashboards: Site;
  readonly portal: Site;
  readonly stranger: Site;
  readonly embedding: Embedding;
  readonly clock: ManualClock;
  /** What the portal's backend got from the dashboards', each time that its page asked. */
  readonly tickets: Ticket[];
  /** What the dashboards' site was asked for: method, path and status. */
  readonly requests: string[];
  /** By path, the cookies that came with each of these. */
  readonly cookies: (readonly [path: string, cookie: string | undefined])[];
  /** Has the portal's backend get a ticket. */
  ticket(): Promise<Ticket>;
  /** While set, what a page's backend gives it instead of a ticket of its own. */
  instead: (() => Ticket | Promise<Ticket>) | undefined;
  /** While set, the dashboard's page is not answered before it is resolved. */
  holdingPage: Promise<void> | undefined;
}

export interface Ticket {
  readonly token: string;
  readonly url: string;
  readonly expiresIn: number;
}

export interface SitesOptions extends Partial<EmbeddingOptions> {
  readonly keptAs?: "bearer" | "cookie";
  /** Takes away what keeps other pages from framing the dashboard, to see what else does. */
  readonly withoutPolicy?: boolean;
  readonly on?: TokenHooks;
}

const ADMIN = "an administrator's token";
const scripts = Promise.all([bundled("host-page.ts"), bundled("dashboard-page.ts")]);

export async function startSites({ keptAs, withoutPolicy = false, ...options }: SitesOptions = {}): Promise<Sites> {
  const [hostScript, dashboardScript] = await scripts;
  const [dashboards, portal, stranger] = await Promise.all(["dashboards", "portal", "stranger"].map(startSite));
  if (!dashboards || !portal || !stranger) throw new Error("three sites were started");
  const clock = createManualClock(Date.now());
  const store = memoryTokenStore({ clock });
  const embedding = createEmbedding({
    keys: [{ id: "k1", key: keyOf("k1") }],
    issuer: portal.origin,
    audience: "dashboards",
    once: store,
    revocations: store,
    clock,
    ...options,
  });
  const tickets: Ticket[] = [];
  const requests: string[] = [];
  const cookies: [string, string | undefined][] = [];

  const service = new Hono();
  service.use(async (context, next) => {
    await next();
    if (withoutPolicy) context.res.headers.delete("content-security-policy");
    const { pathname } = new URL(context.req.url);
    cookies.push([pathname, context.req.header("cookie")]);
    requests.push(`${context.req.method} ${pathname} ${context.res.status}`);
  });
  const authorise = byAdminToken(async (token) => (token === btoa(ADMIN) ? { subject: "portal" } : undefined));
  const page = `${dashboards.origin}/embed/:dashboard`;
  service.post(
    "/api/embed/token",
    embedEndpoint({ embedding, authorise, page, clock, limiter: { consume: async () => ({ allowed: true }) } }),
  );
  const policy = "default-src 'self'; style-src 'unsafe-inline'; require-trusted-types-for 'script'";
  const guard = embedPage({ embedding, dashboard: (_view, context: Context) => context.req.param("id") ?? "", policy });
  service.get("/embed/:id", guard, async (context) => {
    await sites.holdingPage;
    return context.html(DASHBOARD);
  });
  // As somebody does who has a log-in on the dashboards' site as well.
  service.get("/login", (context) => context.text("hello", 200, { "set-cookie": "login=1; Secure; SameSite=None" }));
  service.get("/dashboard.js", (context) => context.body(dashboardScript, 200, JAVASCRIPT));
  service.post("/embed/session", embedExchange({ embedding, origin: dashboards.origin, keptAs }));
  service.get("/api/rows", embedSession({ embedding, dashboard: "sales" }), (context) => {
    const grant = grantOf(context);
    return context.json({ for: grant?.subject, filters: grant?.filters });
  });
  dashboards.fetch = (request) => service.fetch(request);

  const sites: Sites = {
    dashboards,
    portal,
    stranger,
    embedding,
    clock,
    tickets,
    requests,
    cookies,
    instead: undefined,
    holdingPage: undefined,
    async ticket() {
      const response = await service.request("/api/embed/token", {
        method: "POST",
        headers: { authorization: `Bearer ${btoa(ADMIN)}`, "content-type": "application/json" },
        body: JSON.stringify({
          subject: "user-7",
          dashboard: "sales",
          origins: [portal.origin],
          filters: { region: "eu" },
        }),
      });
      const made = (await response.json()) as Ticket;
      tickets.push(made);
      return made;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([dashboards, portal, stranger].map((site) => site[Symbol.asyncDispose]()));
    },
  };

  for (const site of [portal, stranger]) {
    const host = new Hono();
    host.get("/", (context) => context.html(hostPage(site === portal ? "Portal" : "Stranger"), 200, HOST_POLICY));
    host.get("/around", (context) =>
      context.html(`<h1>Around</h1><iframe src="${portal.origin}/" width=600 height=400></iframe>`),
    );
    host.get("/host.js", (context) => context.body(hostScript, 200, JAVASCRIPT));
    host.post("/ticket", async () => Response.json(await (sites.instead ?? sites.ticket)()));
    site.fetch = (request) => host.fetch(request);
  }
  return sites;
}

async function startSite(name: string): Promise<Site> {
  const server = createServer(getRequestListener((request) => site.fetch(request)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const site: Site = {
    // Chromium and Node.js know that these names are loopback (RFC 6761, 6.3), and to browsers each is a site of its own.
    origin: `http://${name}.localhost:${(server.address() as AddressInfo).port}`,
    fetch: () => new Response("not yet", { status: 503 }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return site;
}

async function bundled(file: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, file)],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
  });
  return outputFiles[0]?.text ?? "";
}

const JAVASCRIPT = { "content-type": "text/javascript" };
const HOST_POLICY = {
  "content-security-policy": "script-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'",
};

function hostPage(name: string): string {
  return `<!doctype html><meta charset="utf-8"><title>${name}</title>
<style>body { font: 16px sans-serif; margin: 2em; } #dashboard { border: 1px solid #888; } pre { color: #666; }</style>
<h1>${name}</h1><div id="dashboard"></div><pre id="log"></pre><script type="module" src="/host.js"></script>`;
}

const BARS = [38, 52, 47, 66, 71, 60, 84]
  .map((height, at) => `<rect x="${at * 34}" y="${90 - height}" width="26" height="${height}" fill="#36c"/>`)
  .join("");

const DASHBOARD = `<!doctype html><meta charset="utf-8"><title>Sales</title>
<style>body { font: 16px sans-serif; margin: 1em; background: #f4f8ff; } pre { color: #a00; margin: 0; }</style>
<h2>Sales</h2><svg width="240" height="90">${BARS}</svg><p>Rows: <output id="rows"></output></p>
<button id="load">Load again</button> clicked <button id="count">0</button> times
<pre id="errors"></pre><script type="module" src="/dashboard.js"></script>`;
