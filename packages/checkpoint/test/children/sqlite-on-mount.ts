// Saves into a database, then does so again after each shell command that it is given. Prints, as a line of JSON each, what became of it, and
// what another connection reads.

import { execFileSync } from "node:child_process";
import { DatabaseSync } from "node:sqlite";
import type { CheckpointError } from "../../src/errors.ts";
import { sqliteStore } from "../../src/stores/sqlite.ts";

const [folder = "", journal = "", bytes = "", keep = "", ...commands] = process.argv.slice(2);
const file = `${folder}/database`;

function open(): DatabaseSync {
  const database = new DatabaseSync(file);
  database.exec(`PRAGMA journal_mode = ${journal}; PRAGMA synchronous = FULL`);
  return database;
}

const store = sqliteStore({ database: open() });
for (const [index, command] of ["true", ...commands].entries()) {
  execFileSync("sh", ["-c", command], { cwd: folder });
  const data = String(index).repeat(Number(bytes));
  const saved = await store.save("a", data, { savedAt: 1, keep: Number(keep) }).then(
    ({ ok }) => (ok ? "saved" : "refused"),
    ({ code, message }: CheckpointError) => ({ code, message }),
  );
  const reader = open();
  const { data: stands, version } = reader.prepare("SELECT data, version FROM checkpoint").get() as {
    data: string;
    version: number;
  };
  reader.close();
  process.stdout.write(`${JSON.stringify({ saved, stands: stands[0], version })}\n`);
}
