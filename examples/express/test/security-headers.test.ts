import { describe, expect, it } from "vitest";
import { serve } from "./site.ts";

describe("security headers", () => {
  it("stand on every answer, good or bad", async () => {
    const { get, post } = await serve({ env: { RATE_LIMIT: "2/minute" } });
    const answers = [
      await get("/api/health"),
      await get("/api/echo"),
      await post("/api/echo", "{"),
      await get("/api/echo"),
      await get("/nowhere"),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 400, 429, 404]);
    for (const { headers } of answers) {
      expect(Object.fromEntries(headers)).toMatchObject({
        "content-security-policy": expect.stringMatching(/^default-src 'none';.* frame-ancestors 'none'$/),
        "x-frame-options": "DENY",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-resource-policy": "same-origin",
        "cache-control": "no-store",
      });
      expect(headers.has("x-powered-by")).toBe(false);
    }
  });

  it.each([
    ["https://api.example.com", "max-age=31536000"],
    ["http://api.example.com", null],
    ["", null],
  ])("has Strict-Transport-Security by the scheme of PUBLIC_URL: %s", async (publicUrl, expected) => {
    const { get } = await serve({ env: { PUBLIC_URL: publicUrl } });
    expect((await get("/api/echo")).headers.get("strict-transport-security")).toBe(expected);
  });
});
