// Ingests a counted stream into Postgres in one transaction a page, says so page by page, and ends by itself when all is there.

import { writeSync } from "node:fs";
import pg from "pg";
import * as z from "zod";
import { createCheckpoints } from "../../src/index.ts";
import { ingest, postgresSink } from "../../src/ingest.ts";
import { postgresStore } from "../../src/stores/postgres.ts";

const [url = "", table = "", total = "", size = "", pagesPerBatch = ""] = process.argv.slice(2);
const pool = new pg.Pool({ connectionString: url, max: 2 });
const store = postgresStore({ client: pool, table: `${table}_at` });

const source = {
  async *pages(cursor = 0) {
    for (let from = cursor; from < Number(total); from += Number(size)) {
      const until = Math.min(from + Number(size), Number(total));
      const records = Array.from({ length: until - from }, (_, index) => ({ place: from + index }));
      yield { records, cursor: until };
    }
  },
};

await ingest({
  key: "rows",
  checkpoints: createCheckpoints<number>({ store }),
  source,
  schema: z.object({ place: z.number() }),
  sink: postgresSink({ pool, store, table, columns: { place: "int" }, key: ["place"] }),
  pagesPerBatch: Number(pagesPerBatch),
  lease: { ttl: 400 },
  on: { batch: ({ total: { processed } }) => writeSync(1, `${processed}\n`) },
});
await pool.end();
