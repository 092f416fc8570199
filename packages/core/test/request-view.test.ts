import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { connect, createServer as createHttp2Server, type Http2ServerRequest } from "node:http2";
import { type HttpBindings, serve } from "@hono/node-server";
import express, { type Request as RealExpressRequest } from "express";
import { type Context, Hono } from "hono";
import { describe, expect, expectTypeOf, it, onTestFinished } from "vitest";
import {
  createClientAddress,
  type ExpressRequest,
  type FetchRequest,
  fromExpress,
  fromFetch,
  fromHono,
  fromNode,
  type HonoContext,
  type NodeRequest,
  type RequestView,
} from "../src/http/index.ts";
import { listen, send } from "./loopback.ts";

type Look = (view: RequestView) => unknown;

/** Each starts a real server that answers with what `look` sees of the request, and resolves to its port. */
const servers: Readonly<Record<string, (look: Look) => Promise<number>>> = {
  "node:http": (look) =>
    listen(createServer((request, response) => response.end(JSON.stringify(look(fromNode(request)) ?? null)))),

  "Express 5": (look) => {
    const app = express();
    app.use((request, response) => void response.end(JSON.stringify(look(fromExpress(request)) ?? null)));
    return listen(createServer(app));
  },

  "Hono on @hono/node-server": async (look) => {
    const app = new Hono<{ Bindings: HttpBindings }>();
    app.all("*", (c) => c.text(JSON.stringify(look(fromHono(c)) ?? null)));
    const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" });
    await once(server, "listening");
    onTestFinished(async () => {
      server.close();
      await once(server, "close");
    });
    return (server.address() as { port: number }).port;
  },
};

async function seen(server: string, look: Look, ...lines: readonly string[]): Promise<unknown> {
  const port = await servers[server]!(look);
  const { body } = await send(
    port,
    lines[0]?.includes(" HTTP/") ? lines : ["GET / HTTP/1.1", "Host: api.test", ...lines],
  );
  return JSON.parse(body);
}

describe.each(Object.keys(servers))("the view of a request of %s", (server) => {
  it("has its method", async () => {
    expect(await seen(server, (view) => view.method, "DELETE /orders/7 HTTP/1.1", "Host: api.test")).toBe("DELETE");
  });

  it.each([
    ["/orders?page=2&sort=a%20b", "/orders?page=2&sort=a%20b"],
    ["/a%2Fb", "/a%2Fb"],
    ["/", "/"],
    ["/?", "/?"],
    ["//evil.test/x", "//evil.test/x"],
    ["http://api.test/orders?page=2", "/orders?page=2"],
    ["http://api.test?page=2", "/?page=2"],
    ["http://api.test", "/"],
  ])("has of the target %s path and query", async (target, url) => {
    expect(await seen(server, (view) => view.url, `GET ${target} HTTP/1.1`, "Host: api.test")).toBe(url);
  });

  it("finds a header by its name in any case", async () => {
    const look: Look = (view) => [view.header("x-tenant"), view.header("X-Tenant"), view.header("X-TENANT")];
    expect(await seen(server, look, "X-tENANT: 7")).toEqual(["7", "7", "7"]);
  });

  it("knows no header that the client did not send", async () => {
    const look: Look = (view) =>
      ["x-tenant", "constructor", "__proto__", "toString"].map((name) => view.header(name) === undefined);
    expect(await seen(server, look)).toEqual([true, true, true, true]);
  });

  it("joins the lines of a repeated header by a comma, in order", async () => {
    const lines = ["X-Forwarded-For: 1.1.1.1, 2.2.2.2", "X-Other: x", "x-forwarded-for: 3.3.3.3"];
    expect(await seen(server, (view) => view.header("X-Forwarded-For"), ...lines)).toBe("1.1.1.1, 2.2.2.2, 3.3.3.3");
  });

  it.each(["Authorization", "User-Agent", "Referer", "If-Modified-Since"])(
    "joins a repeated %s too, where Node by itself drops all but the first",
    async (name) => {
      const look: Look = (view) => view.header(name);
      expect(await seen(server, look, `${name}: one`, `${name.toLowerCase()}: two`, `${name}: three`)).toBe(
        "one, two, three",
      );
      expect(await seen(server, look, `${name}: one`)).toBe("one");
    },
  );

  it("has the address of the socket and not one from a header", async () => {
    const lines = ["X-Forwarded-For: 6.6.6.6", "Forwarded: for=6.6.6.6", "X-Real-IP: 6.6.6.6"];
    expect(await seen(server, (view) => view.address, ...lines)).toBe("127.0.0.1");
  });

  it("leads to the client's address", async () => {
    const clientAddress = createClientAddress({ trustedProxies: ["loopback"] });
    expect(await seen(server, clientAddress, "X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 198.51.100.7")).toBe(
      "198.51.100.7",
    );
  });
});

describe("fromExpress", () => {
  it("has the URL that the client sent, also inside a mounted router", async () => {
    const app = express();
    const router = express.Router();
    router.get("/orders", (request, response) => void response.json([request.url, fromExpress(request).url]));
    app.use("/api/v1", router);
    const { body } = await send(await listen(createServer(app)), [
      "GET /api/v1/orders?page=2 HTTP/1.1",
      "Host: api.test",
    ]);
    expect(JSON.parse(body)).toEqual(["/orders?page=2", "/api/v1/orders?page=2"]);
  });

  it("does not let Express's own trust proxy setting change the address", async () => {
    const app = express().set("trust proxy", true);
    app.use((request, response) => void response.json([request.ip, fromExpress(request).address]));
    const { body } = await send(await listen(createServer(app)), [
      "GET / HTTP/1.1",
      "Host: api.test",
      "X-Forwarded-For: 6.6.6.6",
    ]);
    expect(JSON.parse(body)).toEqual(["6.6.6.6", "127.0.0.1"]);
  });

  it("fits Express's own request type", () => {
    expectTypeOf<RealExpressRequest>().toExtend<ExpressRequest>();
    expectTypeOf<RealExpressRequest<{ id: string }>>().toExtend<ExpressRequest>();
  });
});

describe("fromNode", () => {
  it("leaves the targets of OPTIONS * and of CONNECT as they are", () => {
    const target = (url: string) => fromNode({ url, headers: {} }).url;
    expect(target("*")).toBe("*");
    expect(target("api.test:443")).toBe("api.test:443");
  });

  it("drops a fragment", () => {
    const target = (url: string) => fromNode({ url, headers: {} }).url;
    expect(target("/orders?page=2#top")).toBe("/orders?page=2");
    expect(target("http://api.test/orders#top")).toBe("/orders");
  });

  it("lets what an earlier middleware set or deleted stand", () => {
    const request = {
      headers: { authorization: "changed", "set-cookie": ["a", "b"] },
      rawHeaders: ["Authorization", "one", "Authorization", "two", "X-Forwarded-For", "6.6.6.6"],
      socket: {},
    };
    expect(fromNode(request).header("authorization")).toBe("changed");
    expect(fromNode(request).header("x-forwarded-for")).toBeUndefined();
    expect(fromNode(request).header("set-cookie")).toBe("a, b");
  });

  it("makes do with a stand-in that has headers alone", () => {
    const view = fromNode({ headers: { authorization: "one" } });
    expect([view.method, view.url, view.header("Authorization"), view.address]).toEqual(["", "", "one", undefined]);
  });

  it("leaves a header that Node joined as it is", async () => {
    const server = createServer({ joinDuplicateHeaders: true }, (request, response) =>
      response.end(fromNode(request).header("authorization")),
    );
    const lines = ["GET / HTTP/1.1", "Host: api.test", "Authorization: one", "Authorization: two"];
    expect((await send(await listen(server), lines)).body).toBe("one, two");
  });

  it("serves node:http2's compatibility API", async () => {
    const server = createHttp2Server((request, response) => {
      const view = fromNode(request);
      response.end(JSON.stringify([view.method, view.url, view.header("X-Tenant"), view.address]));
    });
    const port = await listen(server);
    const session = connect(`http://127.0.0.1:${port}`);
    const stream = session.request({ ":path": "/orders?page=2", "x-tenant": "7" });
    let body = "";
    for await (const chunk of stream) body += chunk;
    session.close();
    expect(JSON.parse(body)).toEqual(["GET", "/orders?page=2", "7", "127.0.0.1"]);
  });

  it("fits the request types of node:http and node:http2", () => {
    expectTypeOf<IncomingMessage>().toExtend<NodeRequest>();
    expectTypeOf<Http2ServerRequest>().toExtend<NodeRequest>();
  });
});

describe("fromFetch", () => {
  it("shows a web-standard request, and the address that it is given", () => {
    const request = new Request("https://api.test/orders?page=2#top", {
      method: "post",
      headers: [
        ["X-Forwarded-For", "1.1.1.1"],
        ["x-forwarded-for", "2.2.2.2"],
      ],
    });
    const view = fromFetch(request, { address: "203.0.113.9" });
    expect([view.method, view.url, view.address]).toEqual(["POST", "/orders?page=2", "203.0.113.9"]);
    expect(view.header("X-FORWARDED-FOR")).toBe("1.1.1.1, 2.2.2.2");
    expect(view.header("x-tenant")).toBeUndefined();
  });

  it("knows no address unless it is given one", () => {
    expect(fromFetch(new Request("https://api.test/")).address).toBeUndefined();
    expect(fromFetch(new Request("https://api.test/"), { address: undefined }).address).toBeUndefined();
  });

  it("fits the standard's request type", () => {
    expectTypeOf<Request>().toExtend<FetchRequest>();
  });
});

describe("fromHono", () => {
  it("has the path that the client sent, also inside a mounted app", async () => {
    const orders = new Hono().get("/orders", (c) => c.text(fromHono(c).url));
    const app = new Hono().route("/api/v1", orders);
    expect(await (await app.request("/api/v1/orders?page=2")).text()).toBe("/api/v1/orders?page=2");
  });

  it("knows no address where there is no node server", async () => {
    const app = new Hono().get("/", (c) => c.json(fromHono(c).address ?? null));
    expect(await (await app.request("/")).json()).toBeNull();
    expect(await (await app.request("/", {}, { incoming: {} })).json()).toBeNull();
  });

  it("finds the server's bindings also one level down, as the node server's own connection info does", async () => {
    const app = new Hono().get("/", (c) => c.json(fromHono(c).address ?? null));
    const incoming = { socket: { remoteAddress: "203.0.113.9" } };
    expect(await (await app.request("/", {}, { server: { incoming } })).json()).toBe("203.0.113.9");
  });

  it("fits Hono's own context type, whatever its bindings", () => {
    expectTypeOf<Context>().toExtend<HonoContext>();
    expectTypeOf<Context<{ Bindings: HttpBindings }>>().toExtend<HonoContext>();
    expectTypeOf<Context<{ Bindings: { DB: string }; Variables: { user: string } }>>().toExtend<HonoContext>();
  });
});
