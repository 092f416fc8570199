import { createManualClock } from "@holdfast/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ascendingSource,
  type Get,
  linkSource,
  offsetSource,
  type Page,
  parseJson,
  sinceIdSource,
  tokenSource,
} from "../src/ingest.ts";
import { BASE, idsOf, read, serve } from "./api-builders.ts";

describe("since-id, the newest first", () => {
  /** A feed of ids 1 to `newest`, a few at a time. */
  const feed = (state: { newest: number; size: number }) =>
    serve(({ searchParams }) => {
      const since = Number(searchParams.get("since") ?? 0);
      const before = Number(searchParams.get("before") ?? Number.POSITIVE_INFINITY);
      const ids = Array.from({ length: state.newest }, (_, index) => state.newest - index);
      const wanted = ids.filter((id) => id > since && id <= before);
      return wanted.slice(0, state.size).map((id) => ({ id: String(id) }));
    });
  const sourceOf = (get: Get) =>
    sinceIdSource({
      get,
      url: ({ since, before }) => {
        const query = Object.entries({ since, before }).filter(([, value]) => value !== null) as [string, string][];
        return `${BASE}?${new URLSearchParams(query)}`;
      },
      id: (record) => (record as { id: string }).id,
    });

  it("moves since only once the pass has come down to it", async () => {
    const get = feed({ newest: 5, size: 3 });
    const pages = await read(sourceOf(get));
    expect(pages.map(({ cursor }) => cursor)).toEqual([
      { since: null, high: "5", low: "3" },
      { since: null, high: "5", low: "1" },
      { since: "5", high: null, low: null },
    ]);
    expect(idsOf(pages)).toEqual(["5", "4", "3", "2", "1"]);
  });

  it("loses nothing, and repeats nothing, wherever runs are cut off and however the feed grows", async () => {
    const step = fc.record({ grows: fc.nat(9), pages: fc.integer({ min: 1, max: 4 }) });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 5 }), fc.array(step, { maxLength: 12 }), async (size, steps) => {
        const state = { newest: 3, size };
        const source = sourceOf(feed(state));
        const had: unknown[] = [];
        let cursor: Page<{ since: string | null; high: string | null; low: string | null }>["cursor"] | undefined;
        for (const { grows, pages: most } of [...steps, { grows: 0, pages: 1000 }, { grows: 0, pages: 1000 }]) {
          const pages = await read(source, cursor, most);
          had.push(...idsOf(pages));
          cursor = pages.at(-1)?.cursor ?? cursor;
          state.newest += grows;
        }
        const all = Array.from({ length: state.newest }, (_, index) => String(index + 1));
        expect(had.map(Number).sort((a, b) => a - b)).toEqual(all.map(Number));
      }),
      { numRuns: 50 },
    );
  });

  it("orders ids of any length as numbers", async () => {
    const get = serve(({ searchParams }) =>
      searchParams.has("before") ? [] : '[{"id": 10000000000000000001}, {"id": 9007199254740993}, {"id": 99}]',
    );
    const pages = await read(sourceOf(get));
    expect(pages.at(-1)?.cursor.since).toBe("10000000000000000001");
  });

  it("goes on behind a page that was filtered empty", async () => {
    const answers: Record<string, object> = {
      null: { items: [{ id: "9" }], more: true, oldest: "9" },
      9: { items: [], more: true, oldest: "5" },
      5: { items: [{ id: "2" }], more: false, oldest: "2" },
    };
    const pages = await read(
      sinceIdSource({
        get: serve(({ searchParams }) => answers[searchParams.get("before") ?? ""]),
        url: ({ before }) => `${BASE}?before=${before}`,
        id: (record) => (record as { id: string }).id,
        records: (body) => (body as { items: unknown[] }).items,
        more: (body) => (body as { more: boolean }).more,
        reached: (body) => (body as { oldest: string }).oldest,
      }),
    );
    expect(idsOf(pages)).toEqual(["9", "2"]);
    expect(pages.at(-1)?.cursor).toEqual({ since: "9", high: null, low: null });
  });
});

describe("ascending values", () => {
  interface Item {
    readonly id: string;
    readonly at: string;
  }
  const itemsOf = (values: readonly number[]): Item[] =>
    values.toSorted((a, b) => a - b).map((at, index) => ({ id: `${index}`, at: `${at}` }));
  const sourceOf = (items: readonly Item[], pageSize: number, more: object = {}) =>
    ascendingSource({
      get: serve(({ searchParams }) =>
        items.filter(({ at }) => Number(at) >= Number(searchParams.get("from"))).slice(0, pageSize),
      ),
      url: (from) => `${BASE}?from=${from ?? 0}`,
      value: (record) => (record as Item).at,
      id: (record) => (record as Item).id,
      pageSize,
      ...more,
    });

  it("has each record once, wherever equal values meet the border of a page or of a run", async () => {
    const values = fc.array(fc.nat(12), { maxLength: 40 });
    const cuts = fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(values, cuts, async (all, runs) => {
        const items = itemsOf(all);
        const source = sourceOf(items, 41);
        const small = sourceOf(
          items,
          Math.max(1, ...items.map(({ at }) => items.filter((item) => item.at === at).length)) + 1,
        );
        for (const tried of [source, small]) {
          const had: unknown[] = [];
          let cursor: Page<{ value: string | null; ids: readonly string[] }>["cursor"] | undefined;
          for (const most of [...runs, 1000]) {
            const pages = await read(tried, cursor, most);
            had.push(...idsOf(pages));
            cursor = pages.at(-1)?.cursor ?? cursor;
          }
          expect(had).toEqual(items.map(({ id }) => id));
        }
      }),
      { numRuns: 50 },
    );
  });

  it("keeps the ids of the last value only", async () => {
    const pages = await read(sourceOf(itemsOf([1, 1, 2, 3, 3]), 4));
    expect(pages.at(-1)?.cursor).toEqual({ value: "3", ids: ["3", "4"] });
  });

  it("says so where more records share a value than a page holds", async () => {
    await expect(read(sourceOf(itemsOf([1, 1, 1, 2]), 2))).rejects.toMatchObject({ code: "SOURCE_FAILED" });
  });

  it("does not let a record from the future hide what comes before it", async () => {
    const items = [...itemsOf([1000]), { id: "future", at: "9000000" }];
    const time = { parse: Number, format: String, skew: 500, clock: createManualClock(2000) };
    const pages = await read(sourceOf(items, 10, { time }));
    expect(idsOf(pages)).toEqual(["0", "future"]);
    expect(pages.at(-1)?.cursor).toEqual({ value: "1000", ids: ["0"] });
  });

  it("begins earlier than the cursor, for what arrives late", async () => {
    const time = { parse: Number, format: String, overlap: 100, clock: createManualClock(5000) };
    const items = itemsOf([1000, 1950, 2000]);
    const pages = await read(sourceOf(items, 3, { time }), { value: "2000", ids: ["2"] });
    expect(idsOf(pages)).toEqual(["1", "2"]);
    expect(pages.at(-1)?.cursor).toEqual({ value: "2000", ids: ["2"] });
  });
});

describe("tokens", () => {
  const shape = {
    url: ({ token, since }: { token: string | null; since: string | null }) => `${BASE}?token=${token}&since=${since}`,
    records: (body: unknown) => (body as { items: unknown[] }).items,
    next: (body: unknown) => (body as { next?: string }).next,
  };
  const position = (record: unknown): string => (record as { id: string }).id;

  it("are followed to the end, through pages that were filtered empty", async () => {
    const answers: Record<string, object> = {
      null: { items: [{ id: 1 }], next: "b" },
      b: { items: [], next: "c" },
      c: { items: [{ id: 2 }] },
    };
    const get = serve(({ searchParams }) => answers[searchParams.get("token") ?? ""]);
    const pages = await read(tokenSource({ get, ...shape }));
    expect(idsOf(pages)).toEqual([1, 2]);
    expect(pages.map(({ cursor }) => cursor.token)).toEqual(["b", "c", "c"]);
  });

  it("that have expired give way to the position that all is had up to", async () => {
    const get = serve(({ searchParams }) => {
      if (searchParams.get("token") === "old") return new Response("", { status: 410 });
      return { items: [{ id: "7" }, { id: "12" }] };
    });
    const pages = await read(tokenSource({ get, position, ...shape }), { token: "old", since: "5", highest: "9" });
    expect(get.asked).toEqual([`${BASE}?token=old&since=5`, `${BASE}?token=null&since=5`]);
    expect(pages.map(({ cursor }) => cursor)).toEqual([{ token: null, since: "12", highest: null }]);
  });

  it("that were given in this run are not taken for expired, nor are any without a position to fall back to", async () => {
    const get = serve(({ searchParams }) =>
      searchParams.get("token") === "null" ? { items: [], next: "b" } : new Response("", { status: 410 }),
    );
    await expect(read(tokenSource({ get, position, ...shape }))).rejects.toMatchObject({
      code: "SOURCE_FAILED",
      message: `${BASE} answered 410`,
    });
    const saved = { token: "b", since: null, highest: null };
    await expect(read(tokenSource({ get, ...shape }), saved)).rejects.toMatchObject({ code: "SOURCE_FAILED" });
  });

  it("that lead to their own page are refused", async () => {
    const get = serve(() => ({ items: [], next: "b" }));
    await expect(read(tokenSource({ get, ...shape }))).rejects.toThrow(/itself/);
  });
});

describe("offsets", () => {
  const all = Array.from({ length: 7 }, (_, id) => ({ id }));
  const get = serve(({ searchParams }) => all.slice(Number(searchParams.get("offset"))).slice(0, 3));
  const source = offsetSource({ get, limit: 3, url: ({ offset }) => `${BASE}?offset=${offset}` });

  it("read all, and the next pass begins anew", async () => {
    const pages = await read(source);
    expect(idsOf(pages)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(pages.map(({ cursor }) => cursor.offset)).toEqual([3, 6, 9, 0]);
  });

  it("go on one page earlier than they were cut off", async () => {
    expect(idsOf(await read(source, { offset: 6 }, 1))).toEqual([3, 4, 5]);
  });
});

describe("Link headers", () => {
  const linked = (links: Record<string, string>): Get =>
    serve(({ pathname }) => new Response(`[{"id":"${pathname}"}]`, { headers: { link: links[pathname] ?? "" } }));

  it("are followed, and the last page is where the next run begins", async () => {
    const get = linked({
      "/things": '</1>; rel="first", </2?a,b>; title="x, <y>; rel=next"; REL="prev next"',
      "/2": "<3>; rel=next",
    });
    const pages = await read(linkSource({ get, url: BASE }));
    expect(idsOf(pages)).toEqual(["/things", "/2", "/3"]);
    expect(pages.map(({ cursor }) => cursor.url.slice(23))).toEqual(["/2?a,b", "/3", "/3"]);
  });

  it("that lead to another origin, or nowhere further, are refused", async () => {
    for (const target of ["https://evil.example/2", "//evil.example", "/things", "http://api.example.com/2"]) {
      const source = linkSource({ get: linked({ "/things": `<${target}>; rel=next` }), url: BASE });
      await expect(read(source)).rejects.toMatchObject({ code: "SOURCE_FAILED" });
    }
  });

  it("of other relations, and torn ones, are none", async () => {
    for (const header of ['</2>; rel="nextish"', '</2>; title="rel=next"', "</2", "rel=next", '</2>; rev="next"', ""]) {
      expect(await read(linkSource({ get: linked({ "/things": header }), url: BASE }))).toHaveLength(1);
    }
  });
});

describe("answers", () => {
  it("keep whole numbers that a double can't hold as texts, and all else as it is", () => {
    expect(
      parseJson(
        '{"a": 1785123456789012345, "b": -9007199254740993, "c": [9007199254740991, 1e300, 0.1234567890123456]}',
      ),
    ).toEqual({
      a: "1785123456789012345",
      b: "-9007199254740993",
      c: [9007199254740991, 1e300, 0.1234567890123456],
    });
    expect(parseJson('{"a": "1785123456789012345"}')).toEqual({ a: "1785123456789012345" });
  });

  it("that are no page end the run, and do not show the query", async () => {
    const answers = { "no array": { a: 1 }, JSON: "<html>", "500": new Response("", { status: 500 }) };
    for (const [word, answer] of Object.entries(answers)) {
      const source = linkSource({ get: serve(() => answer), url: `${BASE}?key=secret` });
      const error = await read(source).catch((thrown) => thrown);
      expect(error).toMatchObject({ code: "SOURCE_FAILED" });
      expect(error.message).toContain(word === "no array" ? "without an array" : word);
      expect(error.message).not.toContain("secret");
    }
  });
});
