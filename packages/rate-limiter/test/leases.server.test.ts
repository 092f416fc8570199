import { join } from "node:path";
import { runToEnd, serverUrl } from "@holdfast/testing";
import { expect, it } from "vitest";
import { connectors, newPrefix } from "./redis-clients.ts";
import { type Use, worstExcess } from "./uses.ts";

const USER = join(import.meta.dirname, "children/lease-user.ts");

it("two processes with leases use more than burst + rate x time on no interval, and most of what the rule allows", async () => {
  const rule = { limit: 1000, window: 1000, burst: 300 };
  const prefix = newPrefix();
  const runs = await Promise.all(
    connectors.map(([library]) =>
      runToEnd(USER, { args: [serverUrl("redis"), library, prefix, JSON.stringify(rule), "1500", "30"] }),
    ),
  );
  const uses = runs.map(({ stdout }) => JSON.parse(stdout) as Use[]);
  expect(Math.min(...uses.map(({ length }) => length))).toBeGreaterThan(0);
  expect(worstExcess(uses.flat(), rule).tokens).toBeLessThanOrEqual(0);
  // Five rests of 150 ms each fill the bucket by half; leases that nobody spends in that time keep some of it out.
  expect(uses.flat().length).toBeGreaterThan(0.5 * 1500);
});
