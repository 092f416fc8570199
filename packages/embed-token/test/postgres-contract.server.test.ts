import { randomBytes } from "node:crypto";
import { serverUrl } from "@holdfast/testing";
import pg from "pg";
import { afterAll, describe, it } from "vitest";
import { postgresTokenStore } from "../src/stores/postgres.ts";
import { tokenStoreContract } from "../src/testing.ts";

const pool = new pg.Pool({ connectionString: serverUrl("postgres") });
const run = randomBytes(4).toString("hex");
afterAll(() => pool.end());

describe("the Postgres store keeps the contract: it", () => {
  let tables = 0;
  for (const [sentence, test] of Object.entries(tokenStoreContract)) {
    it(sentence, () =>
      test(async () => {
        const store = postgresTokenStore({ client: pool, table: `contract_${run}_${++tables}` });
        await store.ensureSchema();
        return { store, close: () => store.close() };
      }),
    );
  }
});
