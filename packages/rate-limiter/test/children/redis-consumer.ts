// Consumes from one key as fast as it can: URL, client library, key prefix, rule as JSON, how long, tokens to lease. Prints how many calls passed.

import { withLeases } from "../../src/index.ts";
import { compileRules } from "../../src/rule.ts";
import { redisStore } from "../../src/stores/redis.ts";
import { connectors } from "../redis-clients.ts";

const [url = "", library, prefix = "", rule = "", durationMs, leased] = process.argv.slice(2);
const connect = connectors.find(([name]) => name === library)?.[1];
if (!connect) throw new Error(`there is no ${library}`);

const connected = await connect(url);
const shared = redisStore({ client: connected.client, prefix });
const store = leased === undefined ? shared : withLeases(shared, { tokens: Number(leased), ttl: 200 });
const rules = compileRules("load", [JSON.parse(rule)]);
const end = performance.now() + Number(durationMs);
let passed = 0;

async function consume(): Promise<void> {
  while (performance.now() < end) {
    const { outcome } = await store.consume(rules, "k", 1);
    if (outcome === "passed") passed++;
    // Refusals are decided here while nothing can have come back, and must not keep the replies from being read.
    else await new Promise(setImmediate);
  }
}

await Promise.all(Array.from({ length: 32 }, consume));
await store.close();
await connected[Symbol.asyncDispose]();
process.stdout.write(String(passed));
