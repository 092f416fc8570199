// Consumes from one key as fast as it can: URL, client library, key prefix, rule as JSON, how long. Prints how many calls passed.

import { compileRules } from "../../src/rule.ts";
import { redisStore } from "../../src/stores/redis.ts";
import { connectors } from "../redis-clients.ts";

const [url = "", library, prefix = "", rule = "", durationMs] = process.argv.slice(2);
const connect = connectors.find(([name]) => name === library)?.[1];
if (!connect) throw new Error(`there is no ${library}`);

const connected = await connect(url);
const store = redisStore({ client: connected.client, prefix });
const rules = compileRules("load", [JSON.parse(rule)]);
const end = performance.now() + Number(durationMs);
let passed = 0;

async function consume(): Promise<void> {
  while (performance.now() < end) {
    const { outcome } = await store.consume(rules, "k", 1);
    if (outcome === "passed") passed++;
  }
}

await Promise.all(Array.from({ length: 32 }, consume));
await connected[Symbol.asyncDispose]();
process.stdout.write(String(passed));
