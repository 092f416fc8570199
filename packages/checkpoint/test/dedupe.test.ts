import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createIdWindow } from "../src/ingest/id-window.ts";
import { ingest, memorySink } from "../src/ingest.ts";
import { newRun, pagesOf, type Row, row } from "./ingest-builders.ts";

/** The same by a Set, and a list of what is to leave it. */
function windowOfSet(size: number): (id: string) => boolean {
  const ids = new Set<string>();
  const inOrder: string[] = [];
  let oldest = 0;
  return (id) => {
    if (ids.has(id)) return false;
    if (ids.size === size) ids.delete(inOrder[oldest++] as string);
    ids.add(id);
    inOrder.push(id);
    return true;
  };
}

const KEY = new Uint8Array(8).map((_, index) => index);

describe("the window of ids", () => {
  it("knows what a Set of the last ids knows, at any size and in any order", () => {
    const ids = fc.array(fc.nat(60).map(String), { maxLength: 200 });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 30 }),
        ids,
        fc.uint8Array({ minLength: 8, maxLength: 8 }),
        (size, all, key) => {
          const window = createIdWindow(size, key);
          const expected = windowOfSet(size);
          expect(all.map((id) => window.add(id))).toEqual(all.map((id) => expected(id)));
        },
      ),
    );
  });

  it("is right over many ids that come again near and far", () => {
    const window = createIdWindow(10_000, KEY);
    const expected = windowOfSet(10_000);
    let wrong = 0;
    for (let index = 0; index < 200_000; index++) {
      const id = `17${(index * 7919) % (index % 3 === 0 ? 14_000 : 150_000)}`;
      if (window.add(id) !== expected(id)) wrong++;
    }
    expect(wrong).toBe(0);
  });

  it("takes at most 20 bytes an id when it is full, and little before", () => {
    for (const size of [1, 4000, 10_000, 1_000_000]) {
      const window = createIdWindow(size);
      expect(window.bytes).toBeLessThanOrEqual(64 * 1024);
      for (let id = 0; id < size; id++) window.add(String(id));
      expect(window.bytes / size).toBeLessThanOrEqual(20);
    }
  });

  it("keeps apart ids that differ in one unit, in length or in order", () => {
    const window = createIdWindow(100, KEY);
    for (const id of ["", "\0", "\0\0", "a", "a\0", "\0a", "ab", "ba", "abc", "abc\0", "é", "e\u0301"])
      expect(window.add(id)).toBe(true);
  });
});

describe("duplicates", () => {
  const write = async (pages: Row[][], options: { window?: number } = {}) => {
    const sink = memorySink<Row>();
    const result = await ingest({ ...newRun(), source: pagesOf(...pages), sink, id: ({ id }) => id, ...options });
    return { written: sink.rows.map(({ n }) => n), duplicate: result.duplicate };
  };

  it("within a page and among pages are left out, the first of them stays", async () => {
    const pages = [[row(1), row(1), row(2)], [row(2), row(3)], [row(1)]];
    expect(await write(pages)).toEqual({ written: [1, 2, 3], duplicate: 3 });
  });

  it("are looked for as far back as the window goes", async () => {
    expect(await write([[row(1), row(2), row(3), row(1)]], { window: 2 })).toEqual({
      written: [1, 2, 3, 1],
      duplicate: 0,
    });
  });

  it("are nobody's concern without ids", async () => {
    const sink = memorySink<Row>();
    await ingest({ ...newRun(), source: pagesOf([row(1), row(1)]), sink });
    expect(sink.rows).toHaveLength(2);
  });
});
