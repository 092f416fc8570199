import { describe, expect, it } from "vitest";
import { API_KEY, askForToken, instance, openSession, PORTAL, settings } from "./site.ts";

interface Ticket {
  readonly token: string;
  readonly url: string;
}

describe("a dashboard in somebody else's page", () => {
  it("is shown to a visitor as far as the token's filters go", async () => {
    const config = await settings();
    const app = await instance(config);
    const asked = await askForToken(app);
    expect(asked.status).toBe(201);
    const { token, url } = (await asked.json()) as Ticket;

    const page = await app.request(url, { headers: { "sec-fetch-dest": "iframe" } });
    expect(page.status).toBe(200);
    expect(page.headers.get("content-security-policy")).toContain(`frame-ancestors ${PORTAL}`);
    expect(await page.text()).toContain("<h2>Sales</h2>");

    const opened = await openSession(app, config, token);
    expect(opened.status).toBe(200);
    const { session } = (await opened.json()) as { session: string };
    const rows = await app.request("/api/dashboards/sales/rows", {
      headers: { authorization: `Bearer ${session}`, "embed-origin": PORTAL },
    });
    expect(await rows.json()).toEqual([
      { region: "eu", month: "2026-08", amount: 52 },
      { region: "eu", month: "2026-09", amount: 66 },
      { region: "eu", month: "2026-10", amount: 84 },
    ]);
    expect((await openSession(app, config, token)).status).toBe(401);
  });

  it("shows nothing where no region was granted", async () => {
    const config = await settings();
    const app = await instance(config);
    const { token } = (await (await askForToken(app, { filters: {} })).json()) as Ticket;
    const { session } = (await (await openSession(app, config, token)).json()) as { session: string };
    const headers = { authorization: `Bearer ${session}`, "embed-origin": PORTAL };
    expect(await (await app.request("/api/dashboards/sales/rows", { headers })).json()).toEqual([]);
    expect((await app.request("/api/dashboards/costs/rows", { headers })).status).toBe(401);
    expect((await app.request("/api/dashboards/sales/rows")).status).toBe(401);
  });

  it("is a 404 where there is none of that name", async () => {
    const app = await instance(await settings());
    const { url } = (await (await askForToken(app, { dashboard: "costs" })).json()) as Ticket;
    expect((await app.request(url)).status).toBe(404);
  });
});

describe("who asks for tokens", () => {
  it("needs a key", async () => {
    const app = await instance(await settings());
    expect((await askForToken(app, {}, {})).status).toBe(401);
    expect((await askForToken(app, {}, { "x-api-key": "x".repeat(43) })).status).toBe(401);
  });

  it("is limited, and told so", async () => {
    const app = await instance(await settings({ EMBED_RATE_LIMIT: "2/minute" }));
    const statuses = [];
    for (let call = 0; call < 3; call++) statuses.push((await askForToken(app)).status);
    expect(statuses).toEqual([201, 201, 429]);
    const metrics = await (await app.request("/metrics")).text();
    expect(metrics).toContain('holdfast_embed_token_requests_total{outcome="throttled"} 1');
  });

  it("finds nothing while embedding is switched off", async () => {
    const app = await instance(await settings({ EMBED_ENABLED: "false" }));
    expect((await askForToken(app)).status).toBe(404);
  });
});

describe("everybody else", () => {
  it("reads the figures with a key that is good for it", async () => {
    const app = await instance(await settings());
    const rows = await app.request("/api/sales", { headers: { "x-api-key": API_KEY } });
    expect(await rows.json()).toHaveLength(6);
    expect((await app.request("/api/sales")).status).toBe(401);
  });

  it("is told in problem details what is not there", async () => {
    const app = await instance(await settings());
    const answer = await app.request("/nothing");
    expect(answer.status).toBe(404);
    expect(answer.headers.get("content-type")).toContain("application/problem+json");
    expect((await app.request("/health")).status).toBe(200);
  });
});
