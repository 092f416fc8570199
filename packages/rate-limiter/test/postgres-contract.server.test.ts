import { randomBytes } from "node:crypto";
import { serverUrl } from "@holdfast/testing";
import pg from "pg";
import { afterAll, describe, it } from "vitest";
import { postgresStore } from "../src/stores/postgres.ts";
import { leasingStoreContract, rateLimitStoreContract } from "../src/testing.ts";

const pool = new pg.Pool({ connectionString: serverUrl("postgres") });
const run = randomBytes(4).toString("hex");
afterAll(() => pool.end());

const kinds = [{}, { unlogged: true }, { prepared: true }];

describe.each(kinds)("the Postgres store keeps the contract with the options %o: it", (options) => {
  let tables = 0;
  for (const [sentence, test] of Object.entries({ ...rateLimitStoreContract, ...leasingStoreContract })) {
    it(sentence, () =>
      test(async () => {
        let now = 0;
        const table = `contract_${run}_${Object.keys(options)}_${++tables}`;
        const store = postgresStore({ client: pool, table, time: { now: () => now }, ...options });
        await store.ensureSchema();
        return { store, setClock: (ms) => (now = ms), close: () => store.close() };
      }),
    );
  }
});
