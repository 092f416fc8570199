import { join } from "node:path";
import { serverUrl } from "@holdfast/testing";
import { type Browser, type BrowserContext, chromium, type FrameLocator, type Page } from "playwright-core";
import { beforeAll, describe, expect, inject, it, onTestFinished } from "vitest";
import type { TokenRefusedEvent } from "../src/index.ts";
import { type Sites, type SitesOptions, startSites } from "./browser/sites.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** By `pnpm screenshots`: the folder for pictures of what is shown. */
    screenshots?: string;
  }
}

let browser: Browser;
beforeAll(async () => {
  // In contexts of its own Playwright keeps all pages awake. The browser's first one it leaves alone.
  browser = await chromium.connectOverCDP(serverUrl("chromium"), { noDefaults: true });
});

const told: TokenRefusedEvent[] = [];
const on = { refused: (event: TokenRefusedEvent) => told.push(event) };

interface Visit {
  readonly sites: Sites;
  readonly page: Page;
  readonly context: BrowserContext;
  readonly dashboard: FrameLocator;
  /** Moves the clocks of the server and of all pages; timers that fall due on the way fire. */
  pass(ms: number): Promise<void>;
}

/** A new visitor's page; nothing is loaded yet. */
async function visit(options: SitesOptions = {}, newContext = () => browser.newContext()): Promise<Visit> {
  told.length = 0;
  const sites = await startSites({ on, ...options });
  const context = await newContext();
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  onTestFinished(async () => {
    await page.close();
    if (context !== browser.contexts()[0]) await context.close();
    await sites[Symbol.asyncDispose]();
  });
  await page.clock.install();
  return {
    sites,
    page,
    context,
    dashboard: page.frameLocator("#dashboard iframe"),
    async pass(ms) {
      sites.clock.advance(ms);
      await page.clock.fastForward(ms);
    },
  };
}

const SHOWN = '{"for":"user-7","filters":{"region":"eu"}}';

const PATIENCE = { timeout: 10_000 };

async function eventually<T>(what: () => Promise<T> | T, expected: T): Promise<void> {
  await expect.poll(what, PATIENCE).toEqual(expected);
}

/** For the docs, where `pnpm screenshots` runs this. */
async function picture(page: Page, name: string): Promise<void> {
  const folder = inject("screenshots");
  if (folder === undefined) return;
  await page.setViewportSize({ width: 640, height: 430 });
  await page.screenshot({ path: join(folder, `embed-${name}.png`), fullPage: true });
}

const exchanges = ({ requests }: Sites): readonly string[] => requests.filter((one) => one.includes("/embed/session"));

describe("a dashboard in a page that may show it", () => {
  it("is shown, with what the token grants", async () => {
    const { sites, page, dashboard } = await visit();
    await page.goto(sites.portal.origin);
    await eventually(() => dashboard.locator("#rows").textContent(), SHOWN);
    await eventually(() => page.locator("#log").textContent(), "open\n");
    expect(await dashboard.locator("#errors").textContent()).toBe("");
    expect(await page.context().cookies()).toEqual([]);
    await picture(page, "allowed");
  });

  it("is shown where it loads late", async () => {
    const { sites, page, dashboard, pass } = await visit();
    const held = Promise.withResolvers<void>();
    sites.holdingPage = held.promise;
    await page.goto(sites.portal.origin);
    await pass(15_000);
    held.resolve();
    await eventually(() => dashboard.locator("#rows").textContent(), SHOWN);
  });

  it("keeps its state through three renewals", async () => {
    const { sites, page, dashboard, pass } = await visit();
    await page.goto(sites.portal.origin);
    await eventually(() => dashboard.locator("#rows").textContent(), SHOWN);
    await dashboard.locator("#count").click();
    for (const renewals of [1, 2, 3]) {
      await pass(250_000);
      await eventually(() => page.locator("#log").textContent(), "open\n".repeat(1 + renewals));
    }
    await dashboard.locator("#load").click();
    await dashboard.locator("#count").click();
    await eventually(() => sites.requests.filter((one) => one === "GET /api/rows 200").length, 2);
    expect(await dashboard.locator("#count").textContent()).toBe("2");
    expect(await dashboard.locator("#rows").textContent()).toBe(SHOWN);
    expect(exchanges(sites)).toEqual(Array(4).fill("POST /embed/session 200"));
    expect(new Set(sites.tickets.map(({ token }) => token)).size).toBe(4);
    await picture(page, "renewed");
  });

  it("is loaded anew where the frame is reloaded, and its pass is over", async () => {
    const { sites, page, dashboard, pass } = await visit();
    await page.goto(sites.portal.origin);
    await eventually(() => dashboard.locator("#rows").textContent(), SHOWN);
    for (let minute = 0; minute < 11; minute++) await pass(60_000);
    // Resolves when the page around has heard of it too, and waits for a hello.
    await page.evaluate(
      `void (arrived = new Promise((done) => document.querySelector("iframe").addEventListener("load", () => done())))`,
    );
    await page
      .frames()[1]!
      .goto(page.frames()[1]!.url())
      .catch(() => {});
    await page.evaluate("arrived");
    await pass(5000);
    await pass(1000);
    await eventually(() => dashboard.locator("#rows").textContent(), SHOWN);
    expect(sites.requests.filter((one) => one.includes("/embed/sales"))).toEqual([
      "GET /embed/sales 200",
      "GET /embed/sales 401",
      "GET /embed/sales 200",
    ]);
  });

  it("survives 60 s offline, its session over, with its state and with what it was about to load", async () => {
    const { sites, page, context, dashboard, pass } = await visit({ sessionLifetime: "50s" });
    await page.goto(sites.portal.origin);
    await eventually(() => dashboard.locator("#rows").textContent(), SHOWN);
    await dashboard.locator("#count").click();
    await context.setOffline(true);
    for (let seconds = 0; seconds < 60; seconds += 10) await pass(10_000);
    await dashboard.locator("#load").click();
    await expect.poll(() => page.locator("#log").textContent(), PATIENCE).toContain("error no-ticket");
    await context.setOffline(false);
    await eventually(() => sites.requests.filter((one) => one === "GET /api/rows 200").length, 2);
    expect(await dashboard.locator("#count").textContent()).toBe("1");
    await expect.poll(() => page.locator("#log").textContent(), PATIENCE).toMatch(/open\n$/);
    await picture(page, "offline");
  });

  it("survives a tab that sleeps for an hour, whose timers stand still", async () => {
    const { sites, page, context, dashboard } = await visit({}, async () => browser.contexts()[0]!);
    await page.goto(sites.portal.origin);
    await eventually(() => dashboard.locator("#rows").textContent(), SHOWN);
    await dashboard.locator("#count").click();
    const tools = await context.newCDPSession(page);
    const { windowId } = await tools.send("Browser.getWindowForTarget");
    await tools.send("Browser.setWindowBounds", { windowId, bounds: { windowState: "minimized" } });
    await tools.send("Page.setWebLifecycleState", { state: "frozen" });
    sites.clock.advance(3_600_000);
    await page.clock.setSystemTime(Date.now() + 3_600_000);
    expect(exchanges(sites)).toHaveLength(1);
    await tools.send("Page.setWebLifecycleState", { state: "active" });
    await tools.send("Browser.setWindowBounds", { windowId, bounds: { windowState: "normal" } });
    await eventually(() => page.locator("#log").textContent(), "open\nopen\n");
    await dashboard.locator("#load").click();
    await eventually(() => sites.requests.filter((one) => one === "GET /api/rows 200").length, 2);
    expect(await dashboard.locator("#count").textContent()).toBe("1");
  });
});

describe("a dashboard in a page that may not show it", () => {
  it("is not even loaded, because its policy names the pages that the token does", async () => {
    const { sites, page, pass } = await visit();
    const stolen = await sites.ticket();
    sites.instead = () => stolen;
    const said: string[] = [];
    page.on("console", (message) => said.push(message.text()));
    await page.goto(sites.stranger.origin);
    await eventually(() => page.frames()[1]?.url(), "chrome-error://chromewebdata/");
    await expect.poll(() => said.join(), PATIENCE).toContain(`frame-ancestors ${sites.portal.origin}`);
    // The page may begin to wait only now, so its clock goes on until it has waited long enough.
    const log = async (): Promise<string | null> => {
      await pass(5000);
      return await page.locator("#log").textContent();
    };
    await expect.poll(log, PATIENCE).toMatch(/^(error no-frame\n)+$/);
    expect(exchanges(sites)).toEqual([]);
    await picture(page, "stranger");
  });

  it("gets no session by a stolen token, were the policy lost on the way", async () => {
    const { sites, page, dashboard, pass } = await visit({ withoutPolicy: true });
    const stolen = await sites.ticket();
    sites.instead = () => stolen;
    await page.goto(sites.stranger.origin);
    await eventually(() => page.locator("#log").textContent(), "error refused 401\n");
    await pass(1000);
    await eventually(() => dashboard.locator("#rows").textContent(), "No session was opened: the token was refused");
    expect(told.map(({ reason }) => reason)).toEqual(["wrong-origin", "wrong-origin"]);
    expect(sites.requests).not.toContain("GET /api/rows 200");
    await picture(page, "token-refused");
  });

  it("is not loaded where a page that may show it is itself shown by one that may not", async () => {
    const { sites, page } = await visit();
    await page.goto(`${sites.stranger.origin}/around`);
    await eventually(() => page.frames()[2]?.url(), "chrome-error://chromewebdata/");
    expect(exchanges(sites)).toEqual([]);
    await picture(page, "nested");
  });

  it("gets no session so, were the policy lost on the way", async () => {
    const { sites, page } = await visit({ withoutPolicy: true });
    await page.goto(`${sites.stranger.origin}/around`);
    await eventually(() => exchanges(sites), ["POST /embed/session 401"]);
    expect(told.map(({ reason }) => reason)).toEqual(["wrong-origin"]);
  });

  it("gets no second session by a token that was used, wherever it is sent from", async () => {
    const { sites, page, dashboard } = await visit();
    await page.goto(sites.portal.origin);
    await eventually(() => dashboard.locator("#rows").textContent(), SHOWN);
    const [used] = sites.tickets;
    // As a program would, which says of itself what it likes.
    const response = await sites.dashboards.fetch(
      new Request(`${sites.dashboards.origin}/embed/session`, {
        method: "POST",
        headers: { origin: sites.dashboards.origin, "content-type": "application/json" },
        body: JSON.stringify({ token: used?.token, origin: sites.portal.origin, frame: "a".repeat(32) }),
      }),
    );
    expect(response.status).toBe(401);
    expect(told.map(({ reason }) => reason)).toEqual(["used"]);
  });
});

describe("where third-party cookies are blocked", () => {
  const cookiesOf = ({ cookies }: Sites, wanted: string): readonly unknown[] =>
    cookies.flatMap(([path, cookie]) => (path === wanted ? [cookie] : []));

  it("shows a dashboard without any", async () => {
    const { sites, page, dashboard } = await visit();
    await page.goto(`${sites.dashboards.origin}/login`);
    await page.goto(`${sites.dashboards.origin}/login`);
    expect(cookiesOf(sites, "/login")).toEqual([undefined, "login=1"]);
    await page.goto(sites.portal.origin);
    await eventually(() => dashboard.locator("#rows").textContent(), SHOWN);
    for (const path of ["/embed/sales", "/embed/session", "/api/rows"])
      expect(cookiesOf(sites, path)).toEqual([undefined]);
  });

  it("shows it with a partitioned one, where the session is to be kept in a cookie", async () => {
    const { sites, page, dashboard } = await visit({ keptAs: "cookie" });
    await page.goto(`${sites.dashboards.origin}/login`);
    await page.goto(sites.portal.origin);
    await eventually(() => dashboard.locator("#rows").textContent(), SHOWN);
    expect(cookiesOf(sites, "/embed/session")).toEqual([undefined]);
    expect(cookiesOf(sites, "/api/rows")).toEqual([expect.stringMatching(/^__Host-embed-[0-9a-f]{32}=[\w.-]+$/)]);
  });
});
