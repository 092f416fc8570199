import { Gauge, Registry } from "prom-client";
import { describe, expect, it } from "vitest";
import { LARGEST_BODY } from "../src/http/echo.ts";
import { serve } from "./site.ts";

async function problemOf(response: Response): Promise<unknown> {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  return response.json();
}

describe("problems", () => {
  it.each(["/", "/api", "/api/nothing", "/api/%zz", "/../etc/passwd"])(
    "answers 404 for what is not here: %s",
    async (path) => {
      const { get } = await serve();
      const response = await get(path);
      expect(await problemOf(response)).toEqual({
        title: "Not Found",
        status: 404,
        requestId: response.headers.get("x-request-id"),
      });
    },
  );

  it("answers 405 for another method, and says which are allowed", async () => {
    const { url } = await serve();
    const response = await fetch(`${url}/api/health`, { method: "DELETE" });
    expect(response.headers.get("allow")).toBe("GET, HEAD");
    expect(await problemOf(response)).toMatchObject({ title: "Method Not Allowed", status: 405 });
  });

  it("answers 413 for a body over the bound, and takes one up to it", async () => {
    const { post } = await serve();
    const text = (bytes: number): string => JSON.stringify("x".repeat(bytes - 2));
    expect((await post("/api/echo", text(LARGEST_BODY))).status).toBe(200);
    expect(await problemOf(await post("/api/echo", text(LARGEST_BODY + 1)))).toMatchObject({
      title: "Payload Too Large",
      status: 413,
      detail: "The body is larger than this service takes.",
    });
  });

  it("answers 400 for malformed JSON, and quotes it nowhere", async () => {
    const { post, log } = await serve();
    const response = await post("/api/echo", '{"password": s3cr3t');
    expect(await problemOf(response.clone())).toMatchObject({
      title: "Bad Request",
      status: 400,
      detail: "The body is not valid JSON.",
    });
    expect(await response.text()).not.toContain("s3cr3t");
    expect(log.find(({ msg }) => msg === "request refused")).toMatchObject({ reason: "entity.parse.failed" });
    expect(JSON.stringify(log)).not.toContain("s3cr3t");
  });

  it("answers 415 for a body that is not JSON", async () => {
    const { post } = await serve();
    const response = await post("/api/echo", "hello=world", { "content-type": "application/x-www-form-urlencoded" });
    expect(await problemOf(response)).toMatchObject({
      status: 415,
      detail: "Send the body as application/json.",
    });
  });

  it("answers 500 for a failure of its own, and tells only the log what it was", async () => {
    const registry = new Registry();
    const fail = (): never => {
      // Such a status is another service's answer to us, not ours to the client.
      throw Object.assign(new Error("postgres://app:s3cr3t@db is gone"), { status: 404 });
    };
    new Gauge({ name: "broken", help: "Fails.", registers: [registry], collect: fail });
    const { get, log } = await serve({ registry });
    const response = await get("/api/metrics");
    expect(await problemOf(response.clone())).toEqual({
      title: "Internal Server Error",
      status: 500,
      requestId: response.headers.get("x-request-id"),
    });
    expect(log.find(({ msg }) => msg === "request failed")).toMatchObject({
      level: "error",
      requestId: response.headers.get("x-request-id"),
      err: { message: /s3cr3t/, stack: expect.stringContaining("errors.test.ts") },
    });
    await expect.poll(() => log.find(({ msg }) => msg === "request")).toMatchObject({ level: "warn", status: 500 });
  });
});
