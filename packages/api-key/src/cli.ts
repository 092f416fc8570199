#!/usr/bin/env node
// The command line: makes, lists, rotates and revokes keys in Postgres, and hashes one for the environment.

import { openPostgres } from "./cli/postgres.ts";
import { run } from "./cli/run.ts";

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  openStore: openPostgres,
  readInput: async () => (await process.stdin.toArray()).join(""),
  print: (text) => process.stdout.write(text),
  tell: (text) => process.stderr.write(text),
});
