import { Agent, getGlobalDispatcher, setGlobalDispatcher } from "undici";
import { afterEach, describe, expect, it } from "vitest";
import { globalFetchDispatcher, retry } from "../src/interceptor.ts";
import { type Script, type ScriptedServer, startScriptedServer } from "../src/testing.ts";

const owned: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of owned.splice(0).reverse()) await one.close();
});

async function serve(script: Script): Promise<ScriptedServer> {
  const server = await startScriptedServer(script);
  owned.push(server);
  return server;
}

// The types of Node's own fetch are those of the undici that it is made of.
const withDispatcher = (dispatcher: unknown, init: RequestInit = {}): RequestInit =>
  ({ ...init, dispatcher }) as RequestInit;

function dispatcher() {
  const made = globalFetchDispatcher(new Agent().compose(retry({ baseDelay: 1 })));
  owned.push(made);
  return made;
}

describe("Node's own fetch", () => {
  it.each<[string, () => RequestInit["body"]]>([
    ["text", () => "a body"],
    ["bytes", () => new TextEncoder().encode("a body")],
    ["a Blob", () => new Blob(["a body"])],
    ["a stream", () => new Blob(["a body"]).stream()],
  ])("sends %s again, whole", async (_kind, body) => {
    const server = await serve([{ status: 503 }, "reset", { body: "ok" }]);
    const init = withDispatcher(dispatcher(), { method: "PUT", body: body() ?? null, duplex: "half" } as RequestInit);
    const response = await fetch(server.origin, init);
    expect([response.status, await response.text()]).toEqual([200, "ok"]);
    expect(server.requests.map((request) => String(request.body))).toEqual(["a body", "a body", "a body"]);
  });

  it("sends a form again, with the same boundary", async () => {
    const server = await serve([{ status: 503 }, {}]);
    const form = new FormData();
    form.set("name", "value");
    await fetch(server.origin, withDispatcher(dispatcher(), { method: "PUT", body: form }));
    const [first, second] = server.requests;
    expect(String(second?.body)).toBe(String(first?.body));
    expect(second?.headers["content-type"]).toBe(first?.headers["content-type"]);
  });

  it("follows redirects as it does without", async () => {
    const server = await serve([{ status: 503 }, { status: 307, headers: { location: "/there" } }, { body: "there" }]);
    const response = await fetch(server.origin, withDispatcher(dispatcher()));
    expect([response.url, await response.text()]).toEqual([`${server.origin}/there`, "there"]);
  });

  it("is served by a dispatcher that is set for all", async () => {
    const before = getGlobalDispatcher();
    const server = await serve([{ status: 503 }, { body: "ok" }]);
    setGlobalDispatcher(dispatcher());
    try {
      const response = await fetch(server.origin);
      expect([response.status, await response.text()]).toEqual([200, "ok"]);
    } finally {
      setGlobalDispatcher(before);
    }
  });

  it("is called off in the body, with the reason", async () => {
    const server = await serve({ body: "0123456789", drip: { bytes: 1, every: "1h" } });
    const abort = new AbortController();
    const response = await fetch(server.origin, withDispatcher(dispatcher(), { signal: abort.signal }));
    const reason = new Error("no longer wanted");
    abort.abort(reason);
    await expect(response.text()).rejects.toBe(reason);
  });
});

describe("a dispatcher for Node's own fetch", () => {
  it("closes the one that it wraps", async () => {
    const agent = new Agent();
    await globalFetchDispatcher(agent).close();
    expect(agent.closed).toBe(true);
  });
});
