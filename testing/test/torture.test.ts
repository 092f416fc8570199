import { join } from "node:path";
import { runToEnd } from "@holdfast/testing";
import type { Torture } from "@holdfast/testing/torture";
import { expect, test, vi } from "vitest";
import { runTorture, torturePackages } from "../src/torture-runs.ts";
import { torture as fragile } from "./fragile/torture/fragile.ts";

test("makes the runs asked for and counts those that broke", async () => {
  const { tried, lost } = await runTorture(fragile, { runs: 1000, seed: 1 });
  expect(tried).toBe(1000);
  expect(lost.length).toBeGreaterThan(60);
  expect(lost.length).toBeLessThan(140);
});

test("the seed of a lost run, used for one run, breaks in the same way", async () => {
  const { lost } = await runTorture(fragile, { runs: 200, seed: 2 });
  expect(lost.length).toBeGreaterThan(0);
  for (const run of lost) {
    const again = await runTorture(fragile, { runs: 1, seed: run.seed });
    expect(again.lost).toEqual([run]);
  }
});

test("the same seed makes the same runs, another seed others", async () => {
  const seeds = async (seed: number): Promise<number[]> =>
    (await runTorture(fragile, { runs: 200, seed })).lost.map((run) => run.seed);
  expect(await seeds(3)).toEqual(await seeds(3));
  expect(await seeds(3)).not.toEqual(await seeds(4));
});

test("keeps the log of a lost run", async () => {
  const { lost } = await runTorture(fragile, { runs: 200, seed: 5 });
  for (const run of lost) expect(run.log).toEqual(["drew 10"]);
});

test("starts no run after its time is up", async () => {
  const { tried } = await runTorture(fragile, { runs: 1000, seed: 1, limitMs: 0 });
  expect(tried).toBe(0);
});

test("a run that never ends is lost, and is told to stop", async () => {
  let told = false;
  const hanging: Torture = {
    name: "hanging",
    sample: 1,
    run: (_random, { signal }) =>
      new Promise(() => {
        signal.addEventListener("abort", () => {
          told = true;
        });
      }),
  };
  const { lost } = await runTorture(hanging, { runs: 1, seed: 1, runLimitMs: 10 });
  expect(lost[0]?.error).toEqual(new Error("the run took longer than 0.01 s"));
  expect(told).toBe(true);
});

test("sets up before the first run and tears down after the last, once", async () => {
  const events: string[] = [];
  const note = (event: string) => async () => void events.push(event);
  const orderly: Torture = { name: "orderly", sample: 1, run: note("run"), setUp: note("up"), tearDown: note("down") };
  await runTorture(orderly, { runs: 2, seed: 1 });
  expect(events).toEqual(["up", "run", "run", "down"]);
});

test("tears down when setting up failed", async () => {
  let down = false;
  const broken: Torture = {
    ...fragile,
    setUp: () => Promise.reject(new Error("no server")),
    tearDown: async () => {
      down = true;
    },
  };
  await expect(runTorture(broken, { runs: 1, seed: 1 })).rejects.toThrow("no server");
  expect(down).toBe(true);
});

test("an error that nobody catches is counted as its run's, and the next run starts", async () => {
  const { stdout } = await runToEnd(join(import.meta.dirname, "children/careless.ts"));
  expect(stdout).toBe("2 of 3\n");
});

test("prints a command that repeats a lost run", async () => {
  const packages = [{ name: "fragile", folder: join(import.meta.dirname, "fragile") }];
  const print = vi.spyOn(console, "log").mockImplementation(() => {});
  try {
    const count = await torturePackages(packages, { runs: 100, seed: 6 });
    const commands = print.mock.calls.flatMap(
      ([line]) => /pnpm torture fragile --runs 1 --seed (\d+)/.exec(line) ?? [],
    );
    const seeds = commands.filter((text) => /^\d+$/.test(text)).map(Number);
    expect(seeds).toHaveLength(count.lost);
    expect(count.lost).toBeGreaterThan(0);
    for (const seed of seeds) expect(await torturePackages(packages, { runs: 1, seed })).toEqual({ tried: 1, lost: 1 });
  } finally {
    print.mockRestore();
  }
});

test("makes as many runs as the sample says where no number is given", async () => {
  const print = vi.spyOn(console, "log").mockImplementation(() => {});
  const packages = [{ name: "fragile", folder: join(import.meta.dirname, "fragile") }];
  expect((await torturePackages(packages, { seed: 1 })).tried).toBe(20);
  print.mockRestore();
});

test("a package without a folder torture tries nothing", async () => {
  expect(await torturePackages([{ name: "none", folder: import.meta.dirname }], { seed: 1 })).toEqual({
    tried: 0,
    lost: 0,
  });
});
