// Takes a lease, spends one token of it, and holds the rest until it is killed: URL, client library, space, rule as JSON, tokens to
// lease, for how long, and the time that the store is to take it to be.

import { step } from "@holdfast/testing/step";
import { withLeases } from "../../src/index.ts";
import { compileRules } from "../../src/rule.ts";
import { lendingBy } from "../lending-stores.ts";

const [url = "", library, space = "", rule = "", tokens, ttlMs, now] = process.argv.slice(2);
const opened = await lendingBy(library).open(url, { space, time: { now: () => Number(now) } });
const store = withLeases(opened.store, { tokens: Number(tokens), ttl: Number(ttlMs) });
await store.consume(compileRules("held", [JSON.parse(rule)]), "k", 1);
step("held");
