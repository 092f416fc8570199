import { type Server, serverUrl, startPostgres } from "@holdfast/testing";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { createCheckpoints } from "../src/index.ts";
import { type IngestOptions, ingest, type PostgresPool, postgresSink } from "../src/ingest.ts";
import { type PostgresStore, postgresStore } from "../src/stores/postgres.ts";
import { startCommitCutter } from "./commit-cutter.ts";
import { COLUMNS, countRows, KEY, makeCountingTable } from "./counted-rows.ts";
import { countedSource, type Place, placeSchema } from "./counted-source.ts";

const [TOTAL, SIZE] = [30, 10];

function poolOf(connectionString: string): pg.Pool {
  const pool = new pg.Pool({ connectionString });
  // Of connections that break while nobody uses them.
  pool.on("error", () => {});
  onTestFinished(() => pool.end());
  return pool;
}

let made = 0;
/** A stream of three pages into a table, in one transaction a page, by way of `sinkPool`. */
async function setUp(pool: pg.Pool, sinkPool: PostgresPool = pool) {
  const table = `faults_${process.pid}_${made++}`;
  const store = postgresStore({ client: pool, table: `${table}_at` });
  await store.ensureSchema();
  await makeCountingTable(pool, table);
  const checkpoints = createCheckpoints<number>({ store });
  const run: IngestOptions<Place, number> = {
    key: "rows",
    checkpoints,
    source: countedSource({ stream: "rows", total: TOTAL, size: SIZE }),
    schema: placeSchema,
    sink: postgresSink<Place>({ pool: sinkPool, store, table, columns: COLUMNS, key: KEY }),
  };
  /** What is done according to the checkpoint, what is there, and what of it was written twice. */
  const there = async () => {
    const done = (await checkpoints.load("rows"))?.value;
    return { done, ...(await countRows(pool, table)) };
  };
  return { run, store, there };
}

/** Of a run that could not give it back, since its server was down. Others would wait for its time to be over. */
async function unlock(store: PostgresStore): Promise<void> {
  const entry = await store.read("rows");
  if (entry?.holder != null) await store.release("rows", entry.fence);
}

describe("when Postgres goes down in the middle of a transaction", () => {
  let server: Server;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.stop());

  it.each(["by a crash", "in order"])(
    "%s, neither rows nor cursor are there, and the next run goes on",
    async (how) => {
      const pool = poolOf(server.url);
      let commits = 0;
      const failing: PostgresPool = {
        async connect() {
          const client = await pool.connect();
          return {
            on: client.on.bind(client),
            off: client.off.bind(client),
            release: client.release.bind(client),
            async query(text, values) {
              // Rows and cursor of the second page are in the transaction.
              if (text === "COMMIT" && ++commits === 2) {
                if (how === "by a crash") await server.kill();
                await server.restart();
              }
              return await client.query(text, values);
            },
          };
        },
      };
      const { run, store, there } = await setUp(pool, failing);
      await expect(ingest(run)).rejects.toMatchObject({ code: "SINK_FAILED" });
      expect(await there()).toEqual({ done: SIZE, rows: SIZE, twice: 0 });
      await unlock(store);
      expect(await ingest(run)).toMatchObject({ how: "done", processed: TOTAL - SIZE });
      expect(await there()).toEqual({ done: TOTAL, rows: TOTAL, twice: 0 });
    },
  );
});

describe("when the connection breaks at a COMMIT", () => {
  it.each([
    ["asked", SIZE],
    ["answered", 2 * SIZE],
  ] as const)("%s for, the next run goes on from what was committed, and doubles nothing", async (when, done) => {
    await using cutter = await startCommitCutter(serverUrl("postgres"), { nth: 2, when });
    const { run, there } = await setUp(poolOf(serverUrl("postgres")), poolOf(cutter.url));
    await expect(ingest(run)).rejects.toMatchObject({ code: "SINK_FAILED" });
    expect(await there()).toEqual({ done, rows: done, twice: 0 });
    expect(await ingest(run)).toMatchObject({ how: "done", processed: TOTAL - done });
    expect(await there()).toEqual({ done: TOTAL, rows: TOTAL, twice: 0 });
  });
});

describe("when a holder sleeps in the middle of its transaction", () => {
  it("keeps others out until it wakes, even those whose wait is over, who are told", async () => {
    const pool = poolOf(serverUrl("postgres"));
    const { store, there } = await setUp(pool);
    const checkpoints = createCheckpoints<number>({ store });
    const sleeper = await pool.connect();
    const { entry } = await store.grant("rows", "sleeper;ttl=100", undefined);
    await sleeper.query("BEGIN");
    await checkpoints.save("rows", 1, { within: store.within(sleeper), lease: { fence: entry!.fence } });

    const waiting = checkpoints.withLease("rows", async () => "mine", { ttl: 100, wait: 500 });
    // Where the machine is so busy that the wait is over before the sleeper's time, the lease is held.
    await expect(waiting).rejects.toMatchObject({ code: expect.stringMatching(/^(BUSY|LEASE_HELD)$/) });

    await sleeper.query("COMMIT");
    sleeper.release();
    expect(await there()).toMatchObject({ done: 1 });
    const next = checkpoints.withLease("rows", async (lease) => await checkpoints.save("rows", 2, { lease }), {
      ttl: 100,
    });
    expect(await next).toBe(2);
  });

  it("has its transaction refused once it wakes, where the lease was granted to others before it saved", async () => {
    const pool = poolOf(serverUrl("postgres"));
    const { run, store, there } = await setUp(pool);
    const sleeper = await pool.connect();
    const { entry } = await store.grant("rows", "sleeper", undefined);
    await sleeper.query("BEGIN");
    const { entry: next } = await store.grant("rows", "another", entry);
    await store.release("rows", next!.fence);
    expect(await ingest(run)).toMatchObject({ processed: TOTAL });
    const late = run.checkpoints.save("rows", 5, { within: store.within(sleeper), lease: { fence: entry!.fence } });
    await expect(late).rejects.toMatchObject({ code: "STALE_LEASE" });
    await sleeper.query("ROLLBACK");
    sleeper.release();
    expect(await there()).toEqual({ done: TOTAL, rows: TOTAL, twice: 0 });
  });
});
