import { serverUrl } from "@holdfast/testing";
import { chromium } from "playwright-core";
import { expect, it, onTestFinished } from "vitest";
import { sites } from "./site.ts";

it("a browser shows the dashboard in the portal, with the rows that the portal's visitor may see", async () => {
  const { portal } = await sites();
  const browser = await chromium.connectOverCDP(serverUrl("chromium"));
  const context = await browser.newContext();
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const violations: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") violations.push(message.text());
  });
  await page.goto(portal);
  const dashboard = page.frameLocator("#dashboard iframe");
  await dashboard.locator("#status", { hasText: "3 rows." }).waitFor({ timeout: 15_000 });
  expect(await dashboard.locator("li").allTextContents()).toEqual([
    expect.stringContaining("2026-08  eu"),
    expect.stringContaining("2026-09  eu"),
    expect.stringContaining("2026-10  eu"),
  ]);
  expect(violations.filter((text) => !text.includes("favicon"))).toEqual([]);
});
