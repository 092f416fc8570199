import { describe, expect, it } from "vitest";
import { embedPage } from "../src/http/fetch.ts";
import { DASHBOARDS, setUpEmbedding } from "./embedding-support.ts";
import { ORIGIN } from "./support.ts";

interface PageSetting {
  readonly policy?: string;
  readonly own?: Readonly<Record<string, string>>;
}

function setUp({ policy, own = {} }: PageSetting = {}) {
  const setting = setUpEmbedding();
  const { embedding } = setting;
  const page = embedPage({ embedding, dashboard: "sales", policy }, () => new Response("the page", { headers: own }));
  const get = (query: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
    page(new Request(`${DASHBOARDS}/embed/sales${query}`, { headers }));
  return { ...setting, get };
}

describe("the dashboard's page", () => {
  it("may be framed by the pages that its token names, and by no other", async () => {
    const { issue, get } = setUp();
    const { pass } = await issue({ origins: [ORIGIN, "https://*.example.net", "http://localhost:3000"] });
    const response = await get(`?pass=${pass}`);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("the page");
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-security-policy": `frame-ancestors ${ORIGIN} https://*.example.net http://localhost:3000`,
      "referrer-policy": "no-referrer",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    });
  });

  it("keeps the rest of its policy, and one that it has of its own", async () => {
    const { issue, get } = setUp({
      policy: "default-src 'self';",
      own: { "content-security-policy": "img-src *", "cache-control": "public" },
    });
    const { pass } = await issue();
    const response = await get(`?pass=${pass}`);
    expect(response.headers.get("content-security-policy")).toBe(
      `img-src *, default-src 'self'; frame-ancestors ${ORIGIN}`,
    );
    expect(response.headers.get("cache-control")).toBe("no-store");
  });

  it.each([
    "frame-ancestors *",
    "default-src 'self'; Frame-Ancestors *",
    "img-src *, frame-src *",
    "img-src *\r\nx: y",
    "img-src é",
  ])("takes no policy that would widen or break its own: %s", (policy) => {
    expect(() => setUp({ policy })).toThrow("policy must be");
  });

  it.each([
    ["no pass", ""],
    ["an empty one", "?pass="],
    ["something else", "?pass=yes"],
  ])("is refused with %s, and framed by nobody", async (_, query) => {
    const response = await setUp().get(query);
    expect(response.status).toBe(401);
    expect(response.headers.get("content-security-policy")).toBe("frame-ancestors 'none'");
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("content-type")).toBe("application/problem+json");
  });

  it("is refused with a pass for another dashboard, or one that is over", async () => {
    const { issue, get, clock, refusals } = setUp();
    const { pass: other } = await issue({ dashboard: "costs" });
    expect((await get(`?pass=${other}`)).status).toBe(401);
    const { pass } = await issue();
    clock.advance(605_000);
    expect((await get(`?pass=${pass}`)).status).toBe(401);
    expect(refusals.map(({ reason }) => reason)).toEqual(["wrong-dashboard", "expired"]);
  });

  it.each(["document", "frame", "object", "embed", "empty", "image"])(
    "is refused where the browser loads it as %s",
    async (destination) => {
      const { issue, get, refusals } = setUp();
      const { pass } = await issue();
      const response = await get(`?pass=${pass}`, { "sec-fetch-dest": destination });
      expect(response.status).toBe(403);
      expect(refusals.map(({ reason }) => reason)).toEqual(["wrong-request"]);
    },
  );

  it("is loaded where the browser says that it is for a frame", async () => {
    const { issue, get } = setUp();
    const { pass } = await issue();
    const headers = { "sec-fetch-dest": "iframe", "sec-fetch-mode": "navigate", "sec-fetch-site": "cross-site" };
    expect((await get(`?pass=${pass}`, headers)).status).toBe(200);
  });

  it("takes no token out of a URL, whatever the parameter is called, and names the request in the event", async () => {
    const { issue, get, refusals } = setUp();
    const { token, pass } = await issue();
    for (const query of [`?pass=${pass}&token=${token}`, `?pass=${pass}&x=${token}`, `/${token}?pass=${pass}`]) {
      expect((await get(query, { "x-request-id": "r1" })).status).toBe(400);
    }
    expect((await get(`?pass=${token}`)).status).toBe(401);
    expect(refusals.map(({ reason }) => reason)).toEqual(["in-url", "in-url", "in-url", "wrong-audience"]);
    expect(refusals[0]).toEqual({
      kind: "pass",
      reason: "in-url",
      requestId: "r1",
      method: "GET",
      path: "/embed/sales",
      address: undefined,
    });
    expect(JSON.stringify(refusals)).not.toContain(token);
  });
});
