// One of several instances that share a Postgres: asks as fast as it can, and prints how many calls passed for each key.

import pg from "pg";
import { compileRules } from "../../src/rule.ts";
import { postgresStore } from "../../src/stores/postgres.ts";

const [url, table, rate = "", calls = ""] = process.argv.slice(2);
const KEYS = ["a", "b", "c"];
const WORKERS = 32;

const pool = new pg.Pool({ connectionString: url });
const store = postgresStore({ client: pool, table });
const rules = compileRules("shared", [rate]);
const passed = Object.fromEntries(KEYS.map((key) => [key, 0]));
let left = Number(calls);

async function work(): Promise<void> {
  while (left-- > 0) {
    const key = KEYS[left % KEYS.length] as string;
    if ((await store.consume(rules, key, 1)).outcome === "passed") passed[key] = (passed[key] ?? 0) + 1;
  }
}

// Whoever started us holds this lock until all of us are here.
await pool.query("SELECT pg_advisory_xact_lock_shared(0)");
await Promise.all(Array.from({ length: WORKERS }, work));
await pool.end();
process.stdout.write(JSON.stringify(passed));
