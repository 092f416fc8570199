// @holdfast/checkpoint: a save beside what it is made of, on a disk and in databases; many at once; and the runner beside a bare loop.

import { fileRows } from "./checkpoint/file.ts";
import { postgresRows } from "./checkpoint/postgres.ts";
import { runnerRows } from "./checkpoint/runner.ts";
import { sqliteRows } from "./checkpoint/sqlite.ts";
import { windowRows } from "./checkpoint/window.ts";
import type { Bench } from "./harness.ts";

export const bench: Bench = {
  name: "checkpoint",
  async run() {
    return [
      ...(await fileRows()),
      ...(await sqliteRows()),
      ...(await postgresRows()),
      ...(await runnerRows()),
      ...(await windowRows()),
    ];
  },
};
