import { ensureTableSql, qualifiedName, quotedName, schemaProblem, type TableLayout } from "@holdfast/core/postgres";
import { serverUrl } from "@holdfast/testing";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

let pool: pg.Pool;
beforeAll(() => {
  pool = new pg.Pool({ connectionString: serverUrl("postgres"), max: 8 });
});
afterAll(() => pool.end());

let made = 0;
function layout(changes: Partial<TableLayout> = {}): TableLayout {
  const table = changes.table ?? `core_${process.pid}_${made++}`;
  return {
    table,
    mark: "holdfast core tests, layout",
    layout: 1,
    create: `CREATE TABLE IF NOT EXISTS ${qualifiedName(table, changes.schema)} (id int PRIMARY KEY);`,
    ...changes,
  };
}

describe("a table that instances make as they start", () => {
  it("is made once by many at once, and then left alone", async () => {
    const own = layout();
    await Promise.all(Array.from({ length: 8 }, () => pool.query(ensureTableSql(own))));
    await pool.query(`INSERT INTO ${qualifiedName(own.table, undefined)} VALUES (1)`);
    await pool.query(ensureTableSql(own));
    const { rows } = await pool.query(`SELECT id FROM ${qualifiedName(own.table, undefined)}`);
    expect(rows).toEqual([{ id: 1 }]);
  });

  it("is made with its schema", async () => {
    const own = layout({ schema: `core_${process.pid}` });
    await pool.query(ensureTableSql(own));
    const { rows } = await pool.query(`SELECT * FROM ${qualifiedName(own.table, own.schema)}`);
    expect(rows).toEqual([]);
  });

  it("needs no privilege to create where all is there", async () => {
    const own = layout();
    await pool.query(ensureTableSql(own));
    const client = await pool.connect();
    try {
      await client.query("BEGIN; SET LOCAL default_transaction_read_only = on");
      await expect(client.query(ensureTableSql(own))).resolves.toBeDefined();
    } finally {
      await client.query("ROLLBACK");
      client.release();
    }
  });

  it("is refused where it is another's, and stays as it is", async () => {
    const own = layout();
    await pool.query(`CREATE TABLE "${own.table}" (other text)`);
    const error = await pool.query(ensureTableSql(own)).catch((caught: unknown) => caught);
    expect(schemaProblem(error, own.table)).toMatch(/another's.*give another name/);
    await expect(pool.query(`SELECT other FROM "${own.table}"`)).resolves.toBeDefined();
  });

  it("is refused where a later version made it", async () => {
    const own = layout();
    await pool.query(ensureTableSql({ ...own, layout: 2 }));
    const error = await pool.query(ensureTableSql(own)).catch((caught: unknown) => caught);
    expect(schemaProblem(error, own.table)).toMatch(/layout 2.*reads 1; update it/);
  });

  it("is told of where it is missing", async () => {
    const error = await pool.query("SELECT * FROM core_no_such_table").catch((caught: unknown) => caught);
    expect(schemaProblem(error, "core_no_such_table")).toMatch(/missing.*call ensureSchema\(\)/);
    expect(schemaProblem(new Error("connection lost"), "t")).toBeUndefined();
    expect(schemaProblem(undefined, "t")).toBeUndefined();
  });

  it.each(["", "1a", 'a"b', "a b", "a".repeat(51), "ä", "a;--"])("can't be called %j", (name) => {
    expect(() => quotedName("table", name)).toThrow(/^table .* can't be used/);
    expect(() => qualifiedName("t", name)).toThrow(/^schema .* can't be used/);
  });
});
