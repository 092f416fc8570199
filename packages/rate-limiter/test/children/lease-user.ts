// Uses tokens of one key by leases, in trickles and rushes: URL, client library, space, rule as JSON, how long, tokens to lease.
// Prints its uses as JSON, in milliseconds of the system's monotonic clock, which all processes share.

import { setTimeout as wait } from "node:timers/promises";
import { withLeases } from "../../src/index.ts";
import { compileRules } from "../../src/rule.ts";
import { lendingBy } from "../lending-stores.ts";
import type { Use } from "../uses.ts";

const [url = "", library, space = "", rule = "", durationMs, tokens] = process.argv.slice(2);
const opened = await lendingBy(library).open(url, { space });
const store = withLeases(opened.store, { tokens: Number(tokens), ttl: 400 });
const rules = compileRules("load", [JSON.parse(rule)]);
const monotonic = (): number => Number(process.hrtime.bigint()) / 1e6;
const uses: Use[] = [];

async function use(): Promise<void> {
  const before = monotonic();
  const { outcome } = await store.consume(rules, "k", 1);
  if (outcome === "passed") uses.push({ before, after: monotonic(), tokens: 1 });
}

for (const end = monotonic() + Number(durationMs); monotonic() < end; ) {
  // A lease is taken, kept while the bucket fills up, and spent together with it.
  await use();
  await wait(150);
  for (const rushEnd = monotonic() + 150; monotonic() < rushEnd; await new Promise(setImmediate)) await use();
}
await store.close();
await opened[Symbol.asyncDispose]();
process.stdout.write(JSON.stringify(uses));
