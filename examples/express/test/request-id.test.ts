import { describe, expect, it } from "vitest";
import { serve } from "./site.ts";

const MADE_HERE = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;

describe("X-Request-Id", () => {
  it("is made where the client sends none, another for each request", async () => {
    const { get } = await serve();
    const ids = [await get("/api/echo"), await get("/api/echo")].map((response) =>
      response.headers.get("x-request-id"),
    );
    expect(ids).toEqual([expect.stringMatching(MADE_HERE), expect.stringMatching(MADE_HERE)]);
    expect(ids[0]).not.toBe(ids[1]);
  });

  it.each(["01J9ZC3W", "a".repeat(128), "edge_7.req-42"])(
    "is taken as it comes where it is well formed: %s",
    async (id) => {
      const { get, log } = await serve();
      const response = await get("/api/echo", { "x-request-id": id });
      expect(response.headers.get("x-request-id")).toBe(id);
      expect(await response.json()).toMatchObject({ requestId: id });
      expect(log.find(({ msg }) => msg === "request")).toMatchObject({ requestId: id });
    },
  );

  it.each([
    ["too short", "1234567"],
    ["too long", "a".repeat(129)],
    ["with a space in it", "two words"],
    ["with what means something in a log", '"},{"level":"fatal'],
    ["with letters that are not ASCII", "r\u00e9qu\u00eate-1"],
    ["sent twice", "12345678, 87654321"],
  ])("is replaced where it is %s", async (_, id) => {
    const { get, log } = await serve();
    const response = await get("/api/echo", { "x-request-id": id });
    expect(response.headers.get("x-request-id")).toMatch(MADE_HERE);
    expect(JSON.stringify(log)).not.toContain(id);
  });

  it("stands in problems as well", async () => {
    const { get } = await serve();
    const response = await get("/nowhere", { "x-request-id": "01J9ZC3W" });
    expect(await response.json()).toMatchObject({ status: 404, requestId: "01J9ZC3W" });
  });
});
