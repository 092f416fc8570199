#!/usr/bin/env node
// The command line: checks the environment against a schema file, and writes what the schema says for people.

import { run } from "./cli/run.ts";

process.exitCode = await run(process.argv.slice(2));
