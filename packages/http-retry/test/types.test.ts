import { describe, expectTypeOf, it } from "vitest";
import { z } from "zod";
import {
  createHttpClient,
  type Download,
  type HttpCall,
  type HttpClient,
  type HttpResponse,
  HttpRetryError,
  type HttpRetryErrorCode,
} from "../src/index.ts";
import { Recorder } from "./recorder.ts";

const User = z.object({ id: z.number(), at: z.string().transform((text) => new Date(text)) });
interface User {
  id: number;
  at: Date;
}

const client: HttpClient = createHttpClient({
  baseUrl: "https://api.test",
  dispatcher: new Recorder({ body: '{"id":7,"at":"2026-01-02"}' }),
});

describe("types", () => {
  it("take a call's data from its schema, wherever it is given", async () => {
    const { schema } = { schema: User };
    expectTypeOf(await client.get("x").json(User)).toEqualTypeOf<User>();
    expectTypeOf(client.get("x", { schema })).toEqualTypeOf<HttpCall<User>>();
    expectTypeOf(await client.get("x", { schema }).json()).toEqualTypeOf<User>();
    expectTypeOf(await client.get("x", { schema })).toEqualTypeOf<HttpResponse<User>>();
    expectTypeOf(client.request("GET", "x", { schema })).toEqualTypeOf<HttpCall<User>>();
    expectTypeOf((await client.post("x", { json: 1, schema })).json()).resolves.toEqualTypeOf<User>();
  });

  it("make no promise of data that nobody has checked", async () => {
    expectTypeOf(await client.get("x").json()).toBeUnknown();
    expectTypeOf(await client.get(new URL("https://api.test/x"), { retries: 0 })).toEqualTypeOf<HttpResponse>();
    expectTypeOf(client.get("x").text()).resolves.toBeString();
    expectTypeOf(client.get("x").bytes()).resolves.toEqualTypeOf<Uint8Array>();
    expectTypeOf(client.get("x").stream).returns.resolves.toEqualTypeOf<Download>();
  });

  it("let a switch over codes be checked", () => {
    const name = (code: HttpRetryErrorCode): string => {
      switch (code) {
        case "STATUS":
          return "a status";
        default:
          return code;
      }
    };
    expectTypeOf(name).returns.toBeString();
    expectTypeOf(new HttpRetryError("STATUS", "").code).toEqualTypeOf<HttpRetryErrorCode>();
  });

  it("refuse options that are none", () => {
    // @ts-expect-error: it is `retries`
    createHttpClient({ retry: 3 });
    // @ts-expect-error: a body is not set for all calls
    createHttpClient({ body: "x" });
    // @ts-expect-error: of the client alone
    void (() => client.get("x", { budget: false }));
    // @ts-expect-error: a schema is of Standard Schema
    void (() => client.get("x", { schema: { parse: () => 1 } }));
  });
});
