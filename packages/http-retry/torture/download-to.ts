// One file is downloaded again and again from a server that misbehaves at random, until it is there.

import { mkdtemp, readdir, readFile, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Torture } from "@holdfast/testing/torture";
import { createHttpClient, HttpRetryError } from "../src/index.ts";
import { startScriptedServer } from "../src/testing.ts";
import { CallerLeft } from "./http-retry/calls.ts";
import { until } from "./http-retry/invariants.ts";
import { couldTell, type Plan, planScript, type Served } from "./http-retry/plan.ts";
import { countingClock, randomOptions } from "./http-retry/requests.ts";

const MOST_DOWNLOADS = 8;

export const torture: Torture = {
  name: "a file is there whole or not at all, however often its download is broken off",
  sample: 10,

  async run(random, { log }) {
    const folder = await mkdtemp(join(tmpdir(), "holdfast-torture-"));
    const file = join(folder, "file");
    const served: Served[] = [];
    const script = planScript(random, { method: "GET", elsewhere: undefined });
    const clock = countingClock();
    let next = 0;
    await using server = await startScriptedServer((received) => {
      const plan = script[next++ % script.length] as Plan;
      served.push({ plan, received });
      return plan.step;
    });
    try {
      for (let download = 0; download < MOST_DOWNLOADS; download++) {
        await using client = createHttpClient(randomOptions(random, clock));
        const abort = new AbortController();
        const timer = setTimeout(() => abort.abort(new CallerLeft()), random.chance(0.4) ? random.int(0, 60) : 1e9);
        const error = await client.downloadTo(server.origin, file, { signal: abort.signal }).then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        clearTimeout(timer);
        log(`download ${download}: ${error ?? "whole"}, ${(await readdir(folder)).join(", ")}, ${next} requests`);
        if (error !== undefined && !(error instanceof HttpRetryError || error instanceof CallerLeft)) throw error;
        const body = await readFile(file).catch(() => undefined);
        if ((body === undefined) !== (error !== undefined))
          throw new Error("the file is there, or not, against its word");
        if (body) {
          const isPossible = served.some((one) => [200, 201].some((status) => couldTell(one, { status, body }, true)));
          if (!isPossible) throw new Error(`the file has ${body.length} bytes that no server sent`);
          const others = (await readdir(folder)).filter((name) => name !== "file");
          if (others.length > 0) throw new Error(`besides the file there is ${others.join(", ")}`);
          break;
        }
        if (random.chance(0.2)) await shorten(`${file}.part`, random.float());
      }
      await until(
        () => clock.pending === 0,
        () => `${clock.pending} timers are left`,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};

/** As a crash does that comes before the disk had all of it. */
async function shorten(file: string, share: number): Promise<void> {
  const facts = await stat(file).catch(() => undefined);
  if (facts) await truncate(file, Math.floor(facts.size * share));
}
