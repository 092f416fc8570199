import { describe, expect, it } from "vitest";
import { compileRules } from "../src/rule.ts";
import { type PostgresClient, postgresStore } from "../src/stores/postgres.ts";

/** Answers every statement alike, and keeps what it was asked. */
function recordingClient(rows: readonly unknown[] = []) {
  const asked: { readonly text: string; readonly values: unknown[] | undefined }[] = [];
  const client: PostgresClient = {
    async query(text, values) {
      asked.push({ text, values });
      return { rows };
    },
  };
  return { client, asked };
}

describe("the Postgres store", () => {
  it.each(["", "1st", 'quo"te', "semi;colon", "dotted.name", "é", "nul\0", "x".repeat(51)])(
    "refuses %j as the name of a table or schema",
    (name) => {
      const { client } = recordingClient();
      const refusal = expect.objectContaining({ code: "INVALID_OPTION" });
      expect(() => postgresStore({ client, table: name })).toThrow(refusal);
      expect(() => postgresStore({ client, schema: name })).toThrow(refusal);
    },
  );

  it("quotes its names, so that any letters and SQL's own words will do", async () => {
    const { client, asked } = recordingClient([{ reading: "passed,0,1" }]);
    await postgresStore({ client, schema: "Order", table: "select" }).consume(compileRules("l", ["1/second"]), "k", 1);
    expect(asked[0]?.text).toBe('SELECT "Order"."select_one_rule_2"($1, $2, $3, $4, $5, $6, $7, $8) AS reading');
  });

  it("sends a key as a digest only, and everything that changes as a parameter", async () => {
    const { client, asked } = recordingClient([{ reading: "passed,0,1" }]);
    const store = postgresStore({ client });
    const rules = compileRules("l", ["1/second"]);
    await store.consume(rules, "one", 1);
    await store.consume(rules, "'; DROP TABLE rate_limit; --", 1);
    expect(asked[0]?.text).toBe(asked[1]?.text);
    for (const { values } of asked) expect(values?.[0]).toMatch(/^\\x[0-9a-f]{64}$/);
  });

  it("names the statements of decisions, one name for each text, if it is told to, and no other", async () => {
    const asked: unknown[] = [];
    const client = {
      async query(statement: string | { readonly name: string; readonly text: string }) {
        asked.push(statement);
        return { rows: [PASSED, PASSED] };
      },
    };
    const rules = compileRules("l", ["1/second"]);
    for (const table of ["one", "two"]) {
      const store = postgresStore({ client, table, prepared: true });
      await store.consume(rules, "k", 1);
      await store.consume(rules, "k", 1);
      await store.consumeMany(["a", "b"].map((key) => ({ rules, key, cost: 1 })));
      await store.lease(rules, "k", { id: "one", tokens: 1, least: 1, ttlMs: 1000 });
      await store.reset(rules, "k");
    }
    const named = asked.filter((statement) => typeof statement === "object") as { name: string; text: string }[];
    expect(asked).toHaveLength(10);
    expect(named).toHaveLength(8);
    expect(new Set(named.map(({ name }) => name)).size).toBe(6);
    expect(new Set(named.map(({ name, text }) => `${name} ${text}`)).size).toBe(6);
    // Longer names than Postgres keeps would be cut off, and be the same.
    for (const { name } of named) expect(name.length).toBeLessThanOrEqual(63);
  });

  it("sends one statement at a time over a connection, and never waits for more calls", async () => {
    let underWay = 0;
    let most = 0;
    const store = postgresStore({
      client: {
        async query(_text, values) {
          most = Math.max(most, ++underWay);
          await new Promise(setImmediate);
          underWay--;
          const [subjects] = values as [string | string[]];
          return { rows: Array.from({ length: Array.isArray(subjects) ? subjects.length : 1 }, () => PASSED) };
        },
      },
    });
    const rules = compileRules("l", ["10/second"]);
    const readings = [];
    for (let call = 0; call < 5; call++) {
      readings.push(store.consume(rules, `k${call}`, 1));
      await Promise.resolve();
    }
    expect((await Promise.all(readings)).map(({ outcome }) => outcome)).toEqual(Array(5).fill("passed"));
    expect(most).toBe(1);
  });

  it("asks for leases of one moment in one statement, in the order of subjects, and answers each its own", async () => {
    const asked: (readonly string[])[] = [];
    const store = postgresStore({
      client: {
        async query(_text, values) {
          const [subjects, , requests] = values as [readonly string[], unknown, readonly string[]];
          asked.push(subjects);
          return { rows: requests.map((request) => ({ reading: `${request.split(" ")[1]},passed,0,1` })) };
        },
      },
    });
    const rules = compileRules("l", ["100/second"]);
    const leases = Array.from({ length: 9 }, (_, n) =>
      store.lease(rules, `k${n}`, { id: `${n}`, tokens: 10 + n, least: 1, ttlMs: 1000 }),
    );
    expect((await Promise.all(leases)).map(({ lent }) => lent)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18]);
    expect(asked).toHaveLength(1);
    expect(asked[0]).toEqual([...(asked[0] ?? [])].sort());
  });

  it("passes on every error that is not about the table", async () => {
    const lost = Object.assign(new Error("Connection terminated"), { code: "ECONNRESET" });
    const store = postgresStore({ client: { query: () => Promise.reject(lost) } });
    await expect(store.consume(compileRules("l", ["1/second"]), "k", 1)).rejects.toBe(lost);
  });

  it.each([0, -1, 1.5, Number.NaN])("refuses to clean up in batches of %d", async (batch) => {
    const { client } = recordingClient();
    await expect(postgresStore({ client }).cleanUp({ batch })).rejects.toMatchObject({ code: "INVALID_OPTION" });
  });
});

const PASSED = { reading: "passed,0,1" };
