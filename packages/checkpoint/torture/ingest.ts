// Processes ingest one stream into Postgres, are killed and put to sleep at random moments, and others go on, until all is there.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { type Server, startPostgres } from "@holdfast/testing";
import type { Random, Torture } from "@holdfast/testing/torture";
import pg from "pg";
import { postgresStore } from "../src/stores/postgres.ts";

const CHILD = join(import.meta.dirname, "../test/children/ingest-rows.ts");
const MOST_KILLS = 6;

let server: Server | undefined;
let runs = 0;

export const torture: Torture = {
  name: "a stream into Postgres loses no row and writes none twice, whoever is killed on the way",
  sample: 2,

  async setUp() {
    server = await startPostgres();
  },

  async tearDown() {
    await server?.stop();
  },

  async run(random, { log, signal }) {
    if (!server) throw new Error("there is no server");
    const table = `torture_${runs++}`;
    const pool = new pg.Pool({ connectionString: server.url, max: 1 });
    try {
      await makeTables(pool, table);
      const [total, size, pages] = [random.int(500, 5000), random.int(1, 40), random.int(1, 3)];
      const args = [server.url, table, total, size, pages].map(String);
      log(args.slice(2).join(" "));
      let before = 0;
      for (let kill = random.int(1, MOST_KILLS); kill > 0; kill--) {
        const said = await runAndDisturb(random, args);
        signal.throwIfAborted();
        const there = await count(pool, table);
        log(`${there.rows} rows`);
        if (there.rows < before + said) throw new Error(`of ${before} and ${said} rows, ${there.rows} are there`);
        if (there.twice > 0) throw new Error(`${there.twice} rows were written twice`);
        before = there.rows;
      }
      await runToEnd(args, signal);
      const there = await count(pool, table);
      if (there.rows !== total) throw new Error(`${there.rows} rows of ${total} are there`);
      if (there.twice > 0) throw new Error(`${there.twice} rows were written twice`);
    } finally {
      await pool.end();
    }
  },
};

/** A second write of a row counts itself. */
async function makeTables(pool: pg.Pool, table: string): Promise<void> {
  await postgresStore({ client: pool, table: `${table}_at` }).ensureSchema();
  await pool.query(`
    CREATE TABLE ${table} (place int PRIMARY KEY, writes int DEFAULT 1);
    CREATE FUNCTION ${table}_write() RETURNS trigger AS 'BEGIN NEW.writes = OLD.writes + 1; RETURN NEW; END' LANGUAGE plpgsql;
    CREATE TRIGGER write BEFORE UPDATE ON ${table} FOR EACH ROW EXECUTE FUNCTION ${table}_write()`);
}

/** Lets one run for a while after its first page, sleep longer than its lease or not, and die. Resolves to how many rows it said that it wrote. */
async function runAndDisturb(random: Random, args: readonly string[]): Promise<number> {
  const [livesMs, sleepsMs] = [random.int(0, 200), random.chance(0.3) ? random.int(1, 400) : 0];
  const child = spawn(process.execPath, [CHILD, ...args], { stdio: ["ignore", "pipe", "ignore"] });
  const closed = once(child, "close");
  const lines = createInterface({ input: child.stdout as NonNullable<ChildProcess["stdout"]> });
  let said = 0;
  lines.on("line", (line) => {
    said = Number(line);
  });
  await Promise.race([once(lines, "line"), closed]);
  await pause(livesMs);
  if (sleepsMs > 0) {
    child.kill("SIGSTOP");
    await pause(sleepsMs);
    child.kill("SIGCONT");
  }
  child.kill("SIGKILL");
  await closed;
  return said;
}

/** On a machine that is busy with other things one may lose its lease, which is no fault. */
async function runToEnd(args: readonly string[], signal: AbortSignal): Promise<void> {
  for (let triesLeft = 5; triesLeft > 0; triesLeft--) {
    const child = spawn(process.execPath, [CHILD, ...args], { stdio: ["ignore", "ignore", "pipe"], signal });
    const [said, [exitCode]] = await Promise.all([text(child.stderr), once(child, "close")]);
    if (exitCode === 0) return;
    if (!said.includes("LEASE_LOST")) throw new Error(`the last one ended with ${exitCode}: ${said}`);
  }
  throw new Error("the last one lost its lease again and again");
}

async function count(pool: pg.Pool, table: string): Promise<{ readonly rows: number; readonly twice: number }> {
  const { rows } = await pool.query(
    `SELECT count(*)::int AS rows, count(*) FILTER (WHERE writes > 1)::int AS twice FROM ${table}`,
  );
  return rows[0];
}
