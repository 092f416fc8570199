import { startPgBouncer, startPostgres } from "@holdfast/testing";
import { expect, test } from "vitest";
import { isClosed, own, postgres } from "./clients.ts";

test("what was committed survives a kill, what was not does not", async () => {
  const server = await own(startPostgres());
  const client = await postgres(server.url);
  await client.query("CREATE TABLE note (text text)");
  await client.query("INSERT INTO note VALUES ('committed')");
  await client.query("BEGIN");
  await client.query("INSERT INTO note VALUES ('open')");
  await server.kill();
  expect(await isClosed(server.port)).toBe(true);
  await server.restart();
  const { rows } = await (await postgres(server.url)).query("SELECT text FROM note");
  expect(rows).toEqual([{ text: "committed" }]);
});

test("a kill ends its busy sessions too: left alone, they would keep the next start from the data", async () => {
  const server = await own(startPostgres());
  const client = await postgres(server.url);
  const busy = client.query("SELECT count(*) FROM generate_series(1, 1000000000000)");
  await Promise.all([expect(busy).rejects.toThrow("Connection terminated"), server.kill()]);
  await server.restart();
  expect((await (await postgres(server.url)).query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
});

test("takes settings", async () => {
  const server = await own(startPostgres({ settings: { wal_level: "logical" } }));
  const { rows } = await (await postgres(server.url)).query("SHOW wal_level");
  expect(rows).toEqual([{ wal_level: "logical" }]);
});

test("has UTF-8 and the C collation, whatever the machine has", async () => {
  const server = await own(startPostgres());
  const client = await postgres(server.url);
  const { rows } = await client.query("SELECT datcollate, pg_encoding_to_char(encoding) AS encoding FROM pg_database");
  for (const row of rows) expect(row).toEqual({ datcollate: "C", encoding: "UTF8" });
});

test("pgbouncer gives one session of the server to two clients, a transaction each", async () => {
  const server = await own(startPostgres());
  const bouncer = await own(startPgBouncer(server.url));
  const [one, other] = await Promise.all([postgres(bouncer.url), postgres(bouncer.url)]);
  const session = "SELECT pg_backend_pid() AS pid";
  expect((await one.query(session)).rows).toEqual((await other.query(session)).rows);
});
