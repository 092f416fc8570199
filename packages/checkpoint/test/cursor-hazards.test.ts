import { createManualClock } from "@holdfast/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ascendingSource,
  type Get,
  ingest,
  linkSource,
  memorySink,
  offsetSource,
  type Page,
  type SinceIdCursor,
  type SourceNotice,
  type SourceResponse,
  sinceIdSource,
  type TimeValues,
  tokenSource,
} from "../src/ingest.ts";
import { BASE, idsOf, read, serve } from "./api-builders.ts";
import { newRun, type Row } from "./ingest-builders.ts";

interface Item {
  readonly id: string;
  readonly at: string;
}
const idOf = (record: unknown): string => (record as { id: string }).id;

describe("a feed that shows some records only after later ones", () => {
  /** Ids that are shown, in whatever order they came. */
  const sourceOf = (shown: readonly number[], overlap: number) =>
    sinceIdSource({
      get: serve(({ searchParams }) => {
        const since = Number(searchParams.get("since"));
        const before = Number(searchParams.get("before") || Number.POSITIVE_INFINITY);
        const wanted = shown.filter((id) => id > since && id < before).sort((a, b) => b - a);
        return wanted.slice(0, 3).map((id) => ({ id: String(id) }));
      }),
      url: ({ since, before }) => `${BASE}?since=${since ?? ""}&before=${before ?? ""}`,
      id: idOf,
      overlap: (since) => String(Number(since) - overlap),
    });

  it("loses none that is late by less than the overlap, wherever runs are cut off", async () => {
    const lateness = fc.array(fc.nat(4), { minLength: 1, maxLength: 30 });
    const cuts = fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(lateness, cuts, async (late, runs) => {
        const inOrderOfShowing = late
          .map((by, index) => ({ id: index + 1, shownAt: index + by }))
          .sort((a, b) => a.shownAt - b.shownAt);
        const shown: number[] = [];
        const source = sourceOf(shown, 5);
        const had = new Set<unknown>();
        let cursor: SinceIdCursor | undefined;
        const goOn = async (most: number): Promise<void> => {
          const pages = await read(source, cursor, most);
          for (const id of idsOf(pages)) had.add(id);
          cursor = pages.at(-1)?.cursor ?? cursor;
        };
        for (const [index, { id }] of inOrderOfShowing.entries()) {
          shown.push(id);
          const most = runs[index % Math.max(1, runs.length)];
          if (most !== undefined) await goOn(most);
        }
        // The end of the pass that was cut off, and one for what was late to it.
        for (let pass = 0; pass < 2; pass++) await goOn(1000);
        expect([...had].map(Number).sort((a, b) => a - b)).toEqual(late.map((_, index) => index + 1));
      }),
      { numRuns: 50 },
    );
  });

  it("is read from the top again once a pass that was cut off is at its end", async () => {
    const pages = await read(sourceOf([1, 2, 3, 8, 9], 0), { since: "0", high: "3", low: "3" });
    expect(idsOf(pages)).toEqual(["2", "1", "9", "8"]);
    expect(pages.map(({ cursor }) => cursor.since)).toEqual(["0", "3", "3", "9"]);
  });

  it("does not move since back to what overlaps", async () => {
    const pages = await read(sourceOf([3, 4], 5), { since: "6", high: null, low: null });
    expect(idsOf(pages)).toEqual(["4", "3"]);
    expect(pages.at(-1)?.cursor.since).toBe("6");
  });
});

describe("a pass with an upper bound", () => {
  it("ends, though records come faster than it reads", async () => {
    let newest = 10;
    const source = ascendingSource({
      get: serve(({ searchParams }) => {
        newest += 5;
        const all = Array.from({ length: newest }, (_, index) => ({ id: `${index}`, at: `${index}` }));
        return all.filter(({ at }) => Number(at) >= Number(searchParams.get("from"))).slice(0, 4);
      }),
      url: (from, until) => `${BASE}?from=${from ?? 0}&until=${until}`,
      value: (record) => (record as Item).at,
      id: idOf,
      pageSize: 4,
      until: () => String(newest - 1),
    });
    const first = await read(source);
    expect(idsOf(first)).toEqual(Array.from({ length: 10 }, (_, index) => `${index}`));
    const bound = newest;
    const second = await read(source, first.at(-1)?.cursor);
    expect(idsOf(second)).toEqual(Array.from({ length: bound - 10 }, (_, index) => `${index + 10}`));
  });

  it("tells the bound to the API, the same one for the whole pass", async () => {
    let asked = 0;
    const get = serve(({ searchParams }) => (searchParams.get("from") === "0" ? [{ id: "1", at: "1" }] : []));
    await read(
      ascendingSource({
        get,
        url: (from, until) => `${BASE}?from=${from ?? 0}&until=${until}`,
        value: (record) => (record as Item).at,
        id: idOf,
        pageSize: 4,
        until: () => `${100 + asked++}`,
      }),
    );
    expect(get.asked).toEqual([`${BASE}?from=0&until=100`, `${BASE}?from=1&until=100`]);
  });
});

describe("a cursor in the future", () => {
  const time: TimeValues = { parse: Number, format: String, clock: createManualClock(5000) };
  const sourceOf = (items: readonly Item[], times = time) =>
    ascendingSource({
      get: serve(({ searchParams }) => items.filter(({ at }) => Number(at) >= Number(searchParams.get("from")))),
      url: (from) => `${BASE}?from=${from ?? 0}`,
      value: (record) => (record as Item).at,
      id: idOf,
      pageSize: 10,
      time: times,
    });

  it("that a record would make stays where it is, and is told of once", async () => {
    const told: SourceNotice[] = [];
    const items = ["1000", "9000", "9500"].map((at) => ({ id: at, at }));
    const pages = await read(sourceOf(items), undefined, 1000, (notice) => told.push(notice));
    expect(idsOf(pages)).toEqual(["1000", "9000", "9500"]);
    expect(pages.at(-1)?.cursor.value).toBe("1000");
    expect(told).toEqual([{ kind: "cursor-in-future", value: "9000" }]);
  });

  it("hides nothing that comes after it and before that time, whatever the skew", async () => {
    const items = ["1000", "9000"].map((at) => ({ id: at, at }));
    const source = sourceOf(items, { ...time, skew: 500 });
    const first = await read(source);
    items.push({ id: "came later", at: "5200" });
    const second = await read(source, first.at(-1)?.cursor);
    expect(idsOf(second)).toEqual(["9000", "came later"]);
    expect(second.at(-1)?.cursor).toEqual({ value: "5200", ids: ["came later"] });
  });

  it("that was saved hides nothing that came since", async () => {
    const told: SourceNotice[] = [];
    const items = [{ id: "a", at: "5000" }];
    const pages = await read(sourceOf(items), { value: "9999", ids: ["x"] }, 1000, (notice) => told.push(notice));
    expect(idsOf(pages)).toEqual(["a"]);
    expect(told).toEqual([{ kind: "cursor-in-future", value: "9999" }]);
  });

  describe("of ids that hold a time", () => {
    const shown = ["10", "20", "9000"];
    const feed = (latest: () => string) =>
      sinceIdSource({
        get: serve(({ searchParams }) => {
          const since = Number(searchParams.get("since"));
          const before = Number(searchParams.get("before") || Number.POSITIVE_INFINITY);
          const wanted = shown.filter((id) => Number(id) > since && Number(id) < before);
          return wanted.sort((a, b) => Number(b) - Number(a)).map((id) => ({ id }));
        }),
        url: ({ since, before }) => `${BASE}?since=${since ?? ""}&before=${before ?? ""}`,
        id: idOf,
        latest,
      });

    it("is not made by a record that is ahead of them, which comes again until its time has come", async () => {
      const told: SourceNotice[] = [];
      const first = await read(
        feed(() => "25"),
        undefined,
        1000,
        (notice) => told.push(notice),
      );
      expect(idsOf(first)).toEqual(["9000", "20", "10"]);
      expect(first.at(-1)?.cursor).toEqual({ since: "20", high: null, low: null });
      expect(told).toEqual([{ kind: "cursor-in-future", value: "9000" }]);
      shown.push("22");
      const second = await read(
        feed(() => "30"),
        first.at(-1)?.cursor,
      );
      expect(idsOf(second)).toEqual(["9000", "22"]);
      const third = await read(
        feed(() => "9000"),
        second.at(-1)?.cursor,
      );
      expect(third.at(-1)?.cursor.since).toBe("9000");
    });

    it("that was saved begins at now", async () => {
      const pages = await read(
        feed(() => "15"),
        { since: "99999", high: null, low: null },
      );
      expect(idsOf(pages)).toContain("20");
    });

    it("is the same for tokens that expire", async () => {
      const get = serve(() => [{ id: "20" }, { id: "9000" }]);
      const source = tokenSource({
        get,
        url: ({ since }) => `${BASE}?since=${since}`,
        next: () => null,
        position: idOf,
        latest: () => "25",
      });
      const pages = await read(source, { token: null, since: "99999", highest: null });
      expect(get.asked).toEqual([`${BASE}?since=25`]);
      expect(pages.at(-1)?.cursor.since).toBe("20");
    });
  });
});

describe("a client that rejects for a status, and gives headers as an object, as http-retry does", () => {
  const rejecting =
    (response: Partial<SourceResponse>, attempts: object[] = []): Get =>
    async () => {
      throw Object.assign(new Error("answered"), { response, attempts });
    };
  const tokens = { url: () => BASE, next: () => undefined, position: idOf };
  const saved = { token: "old", since: "5", highest: "9" };

  it("may say that a token has expired", async () => {
    const told: SourceNotice[] = [];
    let calls = 0;
    const get: Get = async (url, call) =>
      ++calls === 1 ? await rejecting({ status: 410 })(url, call) : new Response('[{"id": "7"}]');
    const pages = await read(tokenSource({ get, ...tokens }), saved, 1000, (notice) => told.push(notice));
    expect(idsOf(pages)).toEqual(["7"]);
    expect(told).toEqual([{ kind: "token-expired" }]);
  });

  it("ends the run with its own error where the status is another, or no token can have expired", async () => {
    for (const [status, cursor] of [
      [403, saved],
      [410, undefined],
    ] as const) {
      await expect(read(tokenSource({ get: rejecting({ status }), ...tokens }), cursor)).rejects.toThrow("answered");
    }
  });

  it("is followed by its Link header, or by several", async () => {
    for (const link of ['</2>; rel="next"', ['</1>; rel="prev"', '</2>; rel="next"']]) {
      const get: Get = async (url) => ({
        status: 200,
        headers: url === BASE ? { link } : {},
        text: () => `[{"id": "${url}"}]`,
      });
      expect(await read(linkSource({ get, url: BASE }))).toHaveLength(2);
    }
  });

  it("tells how often it was refused with 429, and how long it waited, whether it came through or not", async () => {
    const attempts = [
      { status: 429, waitMs: 1000 },
      { status: 503, waitMs: 20 },
      { status: 429, waitMs: 2000 },
    ];
    const told: SourceNotice[] = [];
    const through: Get = async () => ({ status: 200, headers: {}, attempts, text: () => "[]" });
    const plain: Get = async () => new Response("", { status: 429 });
    for (const get of [through, rejecting({ status: 503 }, attempts), plain]) {
      const source = offsetSource({ get, url: () => BASE, limit: 1 });
      await read(source, undefined, 1, (notice) => told.push(notice)).catch(() => {});
    }
    const waits = told.map((notice) => notice.kind === "rate-limited" && notice.waitMs);
    expect(waits).toEqual([1000, 2000, 1000, 2000, 0]);
  });
});

describe("how many records are to come", () => {
  it("is told with each page, where the API says it", async () => {
    const get = serve(({ searchParams }) => {
      const offset = Number(searchParams.get("offset"));
      return { items: [1, 2, 3].slice(offset, offset + 2), total: 3 };
    });
    const pages: Page<unknown>[] = await read(
      offsetSource({
        get,
        url: ({ offset }) => `${BASE}?offset=${offset}`,
        limit: 2,
        records: (body) => (body as { items: number[] }).items,
        remaining: (body) => (body as { total: number }).total,
      }),
    );
    expect(pages.map(({ remaining }) => remaining)).toEqual([3, 3, 3]);
  });
});

describe("a source that reads some records again", () => {
  const get = serve(() => []);
  const run = newRun();
  const sources = {
    "follows links": linkSource({ get, url: BASE }),
    counts: offsetSource({ get, url: () => BASE, limit: 1 }),
    "follows tokens": tokenSource({ get, url: () => BASE, next: () => null }),
    "overlaps by id": sinceIdSource({ get, url: () => BASE, id: idOf, overlap: (since) => since }),
    "overlaps by time": ascendingSource({
      get,
      url: () => BASE,
      value: idOf,
      id: idOf,
      pageSize: 1,
      time: { parse: Number, format: String, overlap: "1m" },
    }),
  };

  it.each(Object.entries(sources))("since it %s is refused a sink that appends", async (_, source) => {
    const sink = { ...memorySink<Row>(), appends: true };
    const running = ingest({ ...run, checkpoints: run.checkpoints as never, source: source as never, sink });
    await expect(running).rejects.toMatchObject({ code: "INVALID_OPTION" });
  });

  it("may have any other, or a function", async () => {
    const source = { rereads: true, pages: async function* () {} };
    for (const sink of [async () => {}, memorySink<Row>()]) {
      await expect(ingest({ ...run, source, sink })).resolves.toMatchObject({ how: "done" });
    }
  });

  it("is any but one that tells exactly where it was", () => {
    expect(sinceIdSource({ get, url: () => BASE, id: idOf }).rereads).toBe(false);
    expect(ascendingSource({ get, url: () => BASE, value: idOf, id: idOf, pageSize: 1 }).rereads).toBe(false);
  });
});
