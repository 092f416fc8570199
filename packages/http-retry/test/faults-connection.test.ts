import { createManualClock } from "@holdfast/core";
import { startFaultProxy } from "@holdfast/testing";
import { describe, expect, it } from "vitest";
import { createHttpClient, HttpRetryError } from "../src/index.ts";
import { type Answer, type Step, startScriptedServer } from "../src/testing.ts";
import { type FaceName, faces } from "../torture/http-retry/faces.ts";

const QUICK = { baseDelay: 1, factor: 1, budget: false } as const;
const NAMES: readonly FaceName[] = ["client", "fetch", "interceptor"];

/** The steps of each path on its own. */
function forEachPath(steps: (path: string) => readonly Step[]): Step {
  const counts = new Map<string, number>();
  return ({ url }) => {
    const count = counts.get(url) ?? 0;
    counts.set(url, count + 1);
    return steps(url)[count] ?? "reset";
  };
}

const asked = (url: string, method = "GET") => ({
  url,
  method,
  headers: {},
  body: undefined,
  signal: new AbortController().signal,
  reading: "whole" as const,
});

describe.each(NAMES)("%s", (name) => {
  const whole: Answer = { headers: { etag: '"v1"' }, body: "0123456789", ranges: true };

  it.each([
    ["reset", "length"],
    ["reset", "chunked"],
    ["end", "length"],
    ["end", "chunked"],
  ] as const)(
    "has the whole body or an error that says why, wherever the response is cut (%s, %s)",
    async (by, framing) => {
      const afterBytes = (path: string) => Number(path.slice(1));
      await using server = await startScriptedServer(
        forEachPath((path) => [{ ...whole, framing, cut: { afterBytes: afterBytes(path), by } }, whole]),
      );
      const face = faces[name](QUICK);
      // As many as the longest of these responses has bytes.
      const cuts = Array.from({ length: 110 }, (_, at) => at);
      const outcomes = await Promise.all(
        cuts.map((at) =>
          face.ask(asked(`${server.origin}/${at}`)).then(
            ({ body }) => body.toString(),
            (error: unknown) => error,
          ),
        ),
      );
      await face.close();
      const odd = outcomes.filter((outcome) => outcome !== "0123456789" && !codesOf(outcome).includes("BODY_BROKEN"));
      expect(odd).toEqual([]);
      // Only where no length says how much is missing can the rest not be asked for.
      if (framing === "length") expect(new Set(outcomes)).toEqual(new Set(["0123456789"]));
    },
  );

  it("posts once, wherever the response is cut", async () => {
    await using server = await startScriptedServer(({ url }) => ({
      ...whole,
      cut: { afterBytes: Number(url.slice(1)) },
    }));
    const face = faces[name](QUICK);
    const cuts = Array.from({ length: 60 }, (_, at) => at);
    await Promise.all(cuts.map((at) => expect(face.ask(asked(`${server.origin}/${at}`, "POST"))).rejects.toThrow()));
    await face.close();
    expect(server.requests).toHaveLength(cuts.length);
  });

  it("fails when the body, which came in one piece with its headers, is not what its digest says", async () => {
    const headers = { "repr-digest": `sha-256=:${Buffer.alloc(32).toString("base64")}:` };
    await using server = await startScriptedServer({ headers, body: "ok" });
    const face = faces[name](QUICK);
    const error = await face.ask(asked(server.origin)).catch((thrown: unknown) => thrown);
    expect(codesOf(error)).toContain("DIGEST_MISMATCH");
    await face.close();
  });

  it("gets an answer to each GET from a server that ends its connections unannounced", async () => {
    await using server = await startScriptedServer({ body: "ok", afterwards: "close" });
    const face = faces[name](QUICK);
    for (let call = 0; call < 30; call++) {
      expect((await face.ask(asked(server.origin))).body.toString()).toBe("ok");
    }
    await face.close();
  });

  it("posts to such a server at most once each", async () => {
    await using server = await startScriptedServer({ body: "ok", afterwards: "close" });
    const face = faces[name](QUICK);
    const paths: string[] = [];
    for (let call = 0; call < 30; call++) {
      paths.push(`/${call}`);
      await face.ask(asked(`${server.origin}/${call}`, "POST")).catch(() => {});
    }
    await face.close();
    for (const path of paths) expect(server.requests.filter(({ url }) => url === path).length).toBeLessThanOrEqual(1);
  });
});

it("goes on when the network is cut in the middle of a body and comes back", async () => {
  const body = "0123456789".repeat(10_000);
  const version = { headers: { etag: '"v1"' }, body, ranges: true };
  await using server = await startScriptedServer([{ ...version, drip: { bytes: 10_000, every: 20 } }, version]);
  await using proxy = await startFaultProxy(server);
  await using client = createHttpClient({ ...QUICK, retries: 20, baseDelay: 10 });
  const { stream } = await client.get(`http://127.0.0.1:${proxy.port}`).stream();
  let text = "";
  for await (const chunk of stream) {
    if (text === "") {
      proxy.cut();
      await proxy.heal();
    }
    text += Buffer.from(chunk).toString();
  }
  expect(text).toBe(body);
  expect(server.requests.at(-1)?.headers["range"]).toMatch(/^bytes=[1-9]/);
});

it("is not sent when its turn comes after its deadline, on a machine that was busy until then", async () => {
  const time = createManualClock();
  let busyMs = 0;
  const clock = { ...time, monotonic: () => time.monotonic() + busyMs };
  const answer = Promise.withResolvers<Step>();
  await using server = await startScriptedServer(() => answer.promise);
  await using client = createHttpClient({ ...QUICK, clock, deadline: "10s", concurrency: { limit: 1 } });
  const first = client.get(server.origin).text();
  const second = client
    .get(server.origin)
    .text()
    .catch((error: unknown) => error);
  await server.waitForRequests(1);
  busyMs = 20_000;
  answer.resolve({ body: "ok" });
  expect(await first).toBe("ok");
  // What was due comes only now.
  await time.advanceAsync(20_000);
  expect(await second).toMatchObject({ code: "DEADLINE", attempts: [] });
  expect(server.requests).toHaveLength(1);
});

/** Of the error, and of its cause, since fetch puts an error of its own around it. */
function codesOf(error: unknown): readonly unknown[] {
  return [error, (error as Error).cause].map((one) => (one instanceof HttpRetryError ? one.code : undefined));
}
