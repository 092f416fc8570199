import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { compare } from "../../bench/src/harness-compare.ts";
import { freshProcesses } from "../../bench/src/harness-process.ts";
import { judge, page, table } from "../../bench/src/harness-report.ts";
import { comparedRows, type Row } from "../../bench/src/harness-row.ts";
import { quantile, type Summary, shuffle, summarise } from "../../bench/src/harness-statistics.ts";

const folder = mkdtempSync(join(tmpdir(), "bench-harness-"));
afterAll(() => rmSync(folder, { recursive: true }));

const one = (value: number): Summary => summarise([value]);
const figures = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 }), { minLength: 1 });

describe("a summary", () => {
  it("has the middle and the quartiles of an odd number of figures", () => {
    expect(summarise([5, 1, 4, 2, 3])).toEqual({ median: 3, low: 2, high: 4, rounds: 5 });
  });

  it("lies on a straight line between two figures where none is in the middle", () => {
    expect(summarise([1, 2, 3, 4])).toEqual({ median: 2.5, low: 1.75, high: 3.25, rounds: 4 });
  });

  it("is that figure when there is one", () => {
    expect(summarise([7])).toEqual({ median: 7, low: 7, high: 7, rounds: 1 });
  });

  it("has as many figures at or under its median as at or over it", () => {
    fc.assert(
      fc.property(figures, (values) => {
        const { median } = summarise(values);
        const under = values.filter((value) => value <= median).length;
        const over = values.filter((value) => value >= median).length;
        expect(Math.min(under, over) * 2).toBeGreaterThanOrEqual(values.length);
      }),
    );
  });

  it("does not depend on the order of the figures and leaves them as they were", () => {
    fc.assert(
      fc.property(figures, (values) => {
        const before = [...values];
        expect(summarise([...values].reverse())).toEqual(summarise(values));
        expect(values).toEqual(before);
      }),
    );
  });

  it("keeps still when one round meets a busy machine", () => {
    expect(summarise([100, 101, 102, 103, 9000]).median).toBe(102);
  });

  it("refuses no figures, and figures that are not numbers", () => {
    expect(() => summarise([])).toThrow(RangeError);
    expect(() => summarise([1, Number.NaN])).toThrow("NaN is not a figure");
    expect(() => summarise([1, Number.POSITIVE_INFINITY])).toThrow(RangeError);
  });

  it("has the smallest and the largest figure at its ends", () => {
    expect([quantile([1, 5, 9], 0), quantile([1, 5, 9], 1)]).toEqual([1, 9]);
  });
});

describe("the order of turns", () => {
  it("holds every side once", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string()),
        fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
        (sides, chance) => {
          const order = shuffle(sides, () => chance.next().value as number);
          expect([...order].sort()).toEqual([...sides].sort());
        },
      ),
    );
  });

  it("can be any order", () => {
    const orders = new Set<string>();
    for (const first of [0, 0.4, 0.8]) {
      for (const second of [0, 0.6]) {
        const chance = [first, second];
        orders.add(shuffle(["a", "b", "c"], () => chance.shift()!).join(""));
      }
    }
    expect([...orders].sort()).toEqual(["abc", "acb", "bac", "bca", "cab", "cba"]);
  });
});

describe("a comparison in one process", () => {
  /** A clock that each operation moves by its own cost. */
  function costs() {
    let time = 0;
    const order: string[] = [];
    const side = (name: string, ms: () => number) => () => {
      if (order.at(-1) !== name) order.push(name);
      time += ms();
    };
    return { order, side, now: () => time };
  }

  it("tells operations a second and ours by the peer's", async () => {
    const { side, now } = costs();
    const compared = await compare(
      { ours: side("ours", () => 2), peers: { slow: side("slow", () => 4), quick: side("quick", () => 1) } },
      { rounds: 5, iterations: 10, now },
    );
    expect(compared.ours).toEqual({ median: 500, low: 500, high: 500, rounds: 5 });
    expect(compared.peers["slow"]).toMatchObject({ value: { median: 250 }, ratio: { median: 2 } });
    expect(compared.peers["quick"]).toMatchObject({ value: { median: 1000 }, ratio: { median: 0.5 } });
  });

  it("tells ours less the peer's", async () => {
    const { side, now } = costs();
    const compared = await compare(
      { ours: side("ours", () => 2), peers: { slow: side("slow", () => 4) } },
      { rounds: 3, iterations: 10, now },
    );
    expect(compared.peers["slow"]!.difference).toEqual({ median: 250, low: 250, high: 250, rounds: 3 });
  });

  it("divides round by round, so that a machine that slows down does not move the ratio", async () => {
    const { side, now } = costs();
    let slowness = 1;
    // The order is drawn once a round: there the machine halves its speed.
    const halveSpeed = () => {
      slowness *= 2;
      return 0;
    };
    const compared = await compare(
      { ours: side("ours", () => slowness), peers: { peer: side("peer", () => slowness * 3) } },
      { rounds: 6, iterations: 4, now, random: halveSpeed },
    );
    const ratio = compared.peers["peer"]!.ratio;
    expect([ratio.median, ratio.low, ratio.high]).toEqual([3, 3, 3].map((value) => expect.closeTo(value)));
    expect(compared.ours.high).toBeGreaterThan(compared.ours.low * 4);
  });

  it("does not count the round that warms the sides up", async () => {
    const { side, now } = costs();
    let operations = 0;
    const compared = await compare(
      { ours: side("ours", () => (operations++ < 3 ? 1000 : 1)), peers: { peer: side("peer", () => 1) } },
      { rounds: 2, iterations: 3, now },
    );
    expect(compared.ours.low).toBe(1000);
    expect(operations).toBe(9);
  });

  it("draws the order anew in each round", async () => {
    const { side, now, order } = costs();
    const chance = [0.9, 0, 0.9];
    await compare(
      { ours: side("ours", () => 1), peers: { peer: side("peer", () => 1) } },
      { rounds: 2, iterations: 1, now, random: () => chance.shift()! },
    );
    expect(order).toEqual(["peer", "ours", "peer", "ours"]);
  });

  it("awaits an operation that is a promise before it starts the next", async () => {
    let running = 0;
    const overlaps: number[] = [];
    const ours = async () => {
      overlaps.push(++running);
      await null;
      running--;
    };
    await compare({ ours, peers: { peer: ours } }, { rounds: 1, iterations: 5 });
    expect(new Set(overlaps)).toEqual(new Set([1]));
  });
});

describe("a comparison of fresh processes", () => {
  const script = (name: string, text: string): string => {
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
  };

  it("compares each figure that the scripts print last", async () => {
    const compared = await freshProcesses(
      {
        ours: script("ours.mjs", "console.log(JSON.stringify({ importMs: 2, parseMs: 3 }));"),
        peers: {
          peer: script(
            "peer.mjs",
            'console.log("a notice"); console.log(JSON.stringify({ importMs: 8, parseMs: 1 }));',
          ),
        },
      },
      { rounds: 2 },
    );
    expect(compared["importMs"]!.peers["peer"]!.ratio.median).toBe(0.25);
    expect(compared["parseMs"]!.ours).toEqual({ median: 3, low: 3, high: 3, rounds: 2 });
  });

  it("starts Node with the arguments it is given", async () => {
    const weigh = script(
      "gc.mjs",
      "console.log(JSON.stringify({ collects: typeof globalThis.gc === 'function' ? 1 : 0 }));",
    );
    const compared = await freshProcesses({ ours: weigh, peers: {} }, { rounds: 1, nodeArguments: ["--expose-gc"] });
    expect(compared["collects"]!.ours.median).toBe(1);
  });

  it("fails when a script fails or prints no figures, and names it", async () => {
    const silent = script("silent.mjs", "console.log('nothing');");
    await expect(freshProcesses({ ours: silent, peers: {} }, { rounds: 1 })).rejects.toThrow(
      "silent.mjs ended with code 0",
    );
    const broken = script("broken.mjs", "process.exit(3);");
    await expect(freshProcesses({ ours: broken, peers: {} }, { rounds: 1 })).rejects.toThrow("ended with code 3");
  });

  it("fails when a peer does not report a figure that ours reports", async () => {
    const ours = script("more.mjs", "console.log(JSON.stringify({ a: 1, b: 2 }));");
    const peer = script("less.mjs", "console.log(JSON.stringify({ a: 1 }));");
    await expect(freshProcesses({ ours, peers: { peer } }, { rounds: 1 })).rejects.toThrow("NaN is not a figure");
  });
});

describe("weighing", () => {
  it("finds the bytes of what is held, in the heap and outside it", async () => {
    const memory = new URL("../../bench/src/harness-memory.ts", import.meta.url).href;
    const file = join(folder, "weigh.mjs");
    writeFileSync(
      file,
      `import { bytesPerKey } from ${JSON.stringify(memory)};
      const heap = await bytesPerKey(10_000, (count) => Array.from({ length: count }, () => ({ a: 1, b: 2, c: 3, d: 4 })));
      const outside = await bytesPerKey(100, (count) => Array.from({ length: count }, () => Buffer.alloc(100_000)));
      console.log(JSON.stringify({ heap, outside }));`,
    );
    const weighed = await freshProcesses({ ours: file, peers: {} }, { rounds: 1, nodeArguments: ["--expose-gc"] });
    // An object of four small integers takes 12 to 56 bytes and its place in the array, by V8's build.
    expect(weighed["heap"]!.ours.median).toBeGreaterThan(20);
    expect(weighed["heap"]!.ours.median).toBeLessThan(120);
    expect(weighed["outside"]!.ours.median).toBeGreaterThan(99_000);
    expect(weighed["outside"]!.ours.median).toBeLessThan(110_000);
  });

  it("counts the pauses of the collector while the work runs", async () => {
    const memory = new URL("../../bench/src/harness-memory.ts", import.meta.url).href;
    const file = join(folder, "pauses.mjs");
    writeFileSync(
      file,
      `import { gcPauses } from ${JSON.stringify(memory)};
      const { longest, p99, total, count } = await gcPauses(() => { for (let i = 0; i < 5; i++) gc(); });
      console.log(JSON.stringify({ longest, p99, total, count }));`,
    );
    const paused = await freshProcesses({ ours: file, peers: {} }, { rounds: 1, nodeArguments: ["--expose-gc"] });
    expect(paused["count"]!.ours.median).toBeGreaterThanOrEqual(5);
    expect(paused["total"]!.ours.median).toBeGreaterThanOrEqual(paused["longest"]!.ours.median);
    expect(paused["longest"]!.ours.median).toBeGreaterThan(0);
  });
});

describe("a verdict", () => {
  const ratio = (value: number) => ({ name: "peer", value: one(1), ratio: one(value) });
  const row = (rest: Partial<Row>): Row =>
    ({ name: "row", unit: "ops/s", better: "higher", ours: one(10), ...rest }) as Row;

  it("is met at the bound itself, and missed beyond it", () => {
    expect(judge(row({ peer: ratio(1.3), goal: { of: "ratio", atLeast: 1.3 } }))).toBe("met");
    expect(judge(row({ peer: ratio(1.29), goal: { of: "ratio", atLeast: 1.3 } }))).toBe("MISSED");
    expect(judge(row({ better: "lower", peer: ratio(5), goal: { of: "ratio", atMost: 5 } }))).toBe("met");
    expect(judge(row({ better: "lower", peer: ratio(5.01), goal: { of: "ratio", atMost: 5 } }))).toBe("MISSED");
  });

  it("judges our own figure where the goal is of ours", () => {
    expect(judge(row({ peer: ratio(0.1), goal: { of: "ours", atLeast: 10 } }))).toBe("met");
    expect(judge(row({ better: "lower", goal: { of: "ours", atMost: 9 } }))).toBe("MISSED");
  });

  it("is shown where there is no goal", () => {
    expect(judge(row({ peer: ratio(0.1) }))).toBe("shown");
  });

  it("is refused where the goal bounds a ratio and there is no peer", () => {
    expect(() => judge(row({ goal: { of: "ratio", atLeast: 1 } }))).toThrow("has no peer");
  });
});

describe("a report", () => {
  const rows: Row[] = [
    ...comparedRows(
      {
        ours: { median: 4_123_456, low: 4_000_000, high: 4_200_000, rounds: 9 },
        peers: { limiter: { value: one(2_000_000), ratio: { median: 2.061, low: 2, high: 2.1, rounds: 9 } } },
      },
      { name: "consume | memory", unit: "ops/s", better: "higher", goal: { of: "ratio", atLeast: 1.3 } },
    ),
    { name: "import", unit: "ms", better: "lower", ours: one(12.345), goal: { of: "ours", atMost: 5 } },
  ];

  it("lines columns up, and says met or MISSED", () => {
    const [, first = "", second = ""] = table(rows).split("\n");
    expect(first).toContain(
      "4,120,000 ops/s [4,000,000, 4,200,000]  limiter 2,000,000 ops/s  2.06x [2, 2.1]  >= 1.3x  met",
    );
    expect(second).toMatch(/^import .* 12\.3 ms .* <= 5 ms +MISSED$/);
    expect(second.indexOf("MISSED")).toBe(first.indexOf("met"));
  });

  it("writes a page with the machine, the day, and the versions of the peers", () => {
    const facts = { date: "2026-01-31", node: "v24.0.0", platform: "linux x64", cpu: "A processor", cores: 2 };
    const text = page("limits", rows, facts, () => "1.2.3");
    expect(text).toContain("- Machine: A processor, 2 cores, linux x64\n- Node.js: v24.0.0\n- Peers: limiter 1.2.3\n");
    expect(text).toContain("| consume \\| memory | 4,120,000 ops/s [4,000,000, 4,200,000] | limiter 2,000,000 ops/s |");
    expect(text.split("\n").filter((line) => line.startsWith("| "))).toHaveLength(4);
  });

  it("takes a peer's own word on its version", () => {
    const facts = { date: "2026-01-31", node: "v24.0.0", platform: "linux x64", cpu: "A processor", cores: 1 };
    const row: Row = {
      name: "a",
      unit: "s",
      better: "lower",
      ours: one(1),
      peer: { name: "tool", version: "0.14", value: one(1), ratio: one(1) },
    };
    expect(page("a", [row], facts, () => "never")).toContain("- Peers: tool 0.14\n");
  });
});
