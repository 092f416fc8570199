import { createServer, type ServerResponse } from "node:http";
import express, { type Response as RealExpressResponse } from "express";
import { describe, expect, expectTypeOf, it } from "vitest";
import { type NodeResponse, type ProblemDetails, problem, problemResponse, sendProblem } from "../src/http/index.ts";
import { HoldfastError, Secret } from "../src/index.ts";
import { listen, send } from "./loopback.ts";

const quota = {
  type: "https://api.test/problems/quota-exceeded",
  title: "Request cannot be satisfied: quota exceeded",
  status: 429,
  detail: "60 requests a minute are allowed",
  instance: "/orders?page=2",
  "violated-policies": ["per-minute"],
} satisfies ProblemDetails;

const refusal = (details: Record<string, unknown>) => {
  try {
    problem({ title: "Not found", status: 404, ...details });
  } catch (error) {
    expect(error).toBeInstanceOf(HoldfastError);
    return error as HoldfastError;
  }
  return undefined;
};

describe("problem", () => {
  it("writes members and extensions as JSON, under the media type of RFC 9457", () => {
    const { status, headers, body } = problem(quota);
    expect(status).toBe(429);
    expect(headers).toEqual({ "content-type": "application/problem+json" });
    expect(JSON.parse(body)).toEqual(quota);
  });

  it("leaves out what it is not given", () => {
    expect(problem({ title: "Not found", status: 404, type: undefined, detail: undefined }).body).toBe(
      '{"title":"Not found","status":404}',
    );
  });

  it.each([399, 600, 200, 0, -1, 404.5, Number.NaN, "404", null, undefined])("refuses the status %j", (status) => {
    expect(refusal({ status })).toMatchObject({
      code: "INVALID_PROBLEM",
      message: expect.stringContaining("400 to 599"),
    });
  });

  it.each([
    ["title", 256],
    ["detail", 4096],
    ["type", 2048],
    ["instance", 2048],
  ])("refuses a %s of more than %d characters", (member, longest) => {
    expect(refusal({ [member]: "x".repeat(longest) })).toBeUndefined();
    expect(refusal({ [member]: "x".repeat(longest + 1) })).toMatchObject({
      code: "INVALID_PROBLEM",
      message: expect.stringContaining(`${member} has ${longest + 1} characters`),
    });
  });

  it("refuses a body of more than 16,384 characters", () => {
    expect(refusal({ list: "x".repeat(16_000) })).toBeUndefined();
    expect(refusal({ list: "x".repeat(16_384) })).toMatchObject({ code: "INVALID_PROBLEM" });
  });

  it.each([
    { title: "" },
    { title: 404 },
    { title: undefined },
    { detail: 5 },
    { detail: null },
    { type: "" },
    { type: "not a uri" },
    { type: "https://api.test/\r\nX: y" },
    { instance: "/ö" },
    { instance: {} },
  ])("refuses %j", (details) => {
    expect(refusal(details)).toMatchObject({ code: "INVALID_PROBLEM" });
  });

  it.each(["__proto__", "toJSON", "1st", "a b", "", "_a", "x".repeat(65), "ä"])(
    "refuses the extension name %j",
    (name) => {
      expect(refusal(JSON.parse(`{${JSON.stringify(name)}: "x"}`))).toMatchObject({ code: "INVALID_PROBLEM" });
    },
  );

  it("lets no extension stand in for a member", () => {
    const { status, body } = problem({
      title: "Not found",
      status: 404,
      Status: 200,
      TITLE: "fine",
      members: { status: 200 },
    });
    expect(status).toBe(404);
    expect(JSON.parse(body)).toMatchObject({ title: "Not found", status: 404 });
  });

  it("refuses what JSON can't hold, and keeps the cause", () => {
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    for (const extension of [cycle, 5n]) {
      expect(refusal({ extension })).toMatchObject({ code: "INVALID_PROBLEM", cause: expect.any(TypeError) });
    }
  });

  it("shows no secret that was put into an extension", () => {
    expect(problem({ title: "Denied", status: 403, key: new Secret("hunter2") }).body).not.toContain("hunter2");
  });
});

describe("problemResponse", () => {
  it("is a web-standard response whose headers can still be set", async () => {
    const response = problemResponse(problem(quota));
    response.headers.set("retry-after", "3");
    expect([response.status, response.headers.get("content-type"), response.headers.get("retry-after")]).toEqual([
      429,
      "application/problem+json",
      "3",
    ]);
    expect(await response.json()).toEqual(quota);
  });
});

describe("sendProblem", () => {
  const handlers = {
    "node:http": () =>
      createServer((_, response) => {
        response.setHeader("Retry-After", "3");
        sendProblem(response, problem({ ...quota, detail: "naïve" }));
      }),
    "Express 5": () =>
      createServer(
        express().use((_, response) => {
          response.set("Retry-After", "3");
          sendProblem(response, problem({ ...quota, detail: "naïve" }));
        }),
      ),
  };

  it.each(Object.entries(handlers))("sends it through %s, with the headers set before", async (_, server) => {
    const response = await send(await listen(server()), ["GET / HTTP/1.1", "Host: api.test"]);
    expect(response.status).toBe(429);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(response.headers.get("retry-after")).toBe("3");
    expect(response.headers.get("content-length")).toBe(String(Buffer.byteLength(response.body)));
    expect(JSON.parse(response.body)).toEqual({ ...quota, detail: "naïve" });
  });

  it.each(Object.entries(handlers))("sends no body through %s in answer to HEAD", async (_, server) => {
    const response = await send(await listen(server()), ["HEAD / HTTP/1.1", "Host: api.test"]);
    expect([response.status, response.body]).toEqual([429, ""]);
  });

  it("fits the response types of node:http and Express", () => {
    expectTypeOf<ServerResponse>().toExtend<NodeResponse>();
    expectTypeOf<RealExpressResponse>().toExtend<NodeResponse>();
  });
});
