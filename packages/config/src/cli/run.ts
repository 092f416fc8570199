// What the command line does, apart from ending the process. Standard output holds what was asked for and nothing else.

import { existsSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import type { Config } from "../config.ts";
import { ConfigError } from "../config-error.ts";
import { declare, type Schema } from "../declaration.ts";
import { createReader, type LoadOptions, type Snapshot } from "../load.ts";
import { formatReport } from "../report.ts";
import { EX_CONFIG, terminalStyle } from "../report-and-exit.ts";
import { markdownTable } from "./docs.ts";
import { envExample } from "./example.ts";

const HELP = `Usage: holdfast-config COMMAND SCHEMA_FILE [OPTION]

Commands
  check      Validate the current environment; exit with 0, or with 78 and a report on standard error.
  example    Print the text of a .env.example; --out FILE writes it to a file instead.
  docs       Print a Markdown table of the variables; --out FILE writes it to a file instead.
  explain    Print where each value comes from, without secrets; --json prints it as JSON.

SCHEMA_FILE is a TypeScript or JavaScript module that exports \`schema\` and, if it needs any, \`options\`, as loadConfig
takes them.
`;

// BSD's sysexits.h, as EX_CONFIG is.
const EX_USAGE = 64;
const EX_NOINPUT = 66;

/** Resolves to the exit code. */
export async function run(args: readonly string[]): Promise<number> {
  const command = readCommand(args);
  if (typeof command === "string") return fail(EX_USAGE, `${command}\n\n${HELP}`);
  if (command.help) return print(HELP);
  const path = resolve(command.file);
  if (!existsSync(path)) return fail(EX_NOINPUT, `No such file: ${command.file}\n`);
  const module = (await import(pathToFileURL(path).href)) as Partial<SchemaModule>;
  if (!module.schema) return fail(EX_NOINPUT, `${command.file} does not export \`schema\`\n`);
  return perform(command, { schema: module.schema, options: module.options ?? {} });
}

interface SchemaModule {
  readonly schema: Schema;
  readonly options: LoadOptions;
}

interface Command {
  readonly help: boolean;
  readonly name: string;
  readonly file: string;
  readonly json: boolean;
  readonly out?: string | undefined;
}

const COMMANDS = ["check", "example", "docs", "explain"];

/** The command, or what is wrong with it. */
function readCommand(args: readonly string[]): Command | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { help: { type: "boolean", short: "h" }, json: { type: "boolean" }, out: { type: "string" } },
    });
    const [name = "", file = "", ...others] = positionals;
    const { help = false, json = false, out } = values;
    if (!help) {
      if (!COMMANDS.includes(name)) return name === "" ? "No command given." : `Unknown command: ${name}`;
      if (file === "" || others.length > 0) return `${name} takes one SCHEMA_FILE.`;
      if (json && name !== "explain") return "--json goes with explain.";
      if (out !== undefined && name !== "example" && name !== "docs") return "--out goes with example and docs.";
    }
    return { help, name, file, json, out };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function perform({ name, json, out }: Command, { schema, options }: SchemaModule): Promise<number> {
  if (name === "example" || name === "docs") {
    const declaration = declare(schema, options.rules ?? []);
    const text = name === "example" ? envExample(declaration) : markdownTable(declaration);
    if (out === undefined) return print(text);
    writeFileSync(out, text);
    return 0;
  }
  const snapshot = await load(schema, options);
  if (!snapshot) return EX_CONFIG;
  if (name === "check") return confirm(snapshot);
  const explanation = (snapshot.config as unknown as Config<Schema>).explain();
  return print(json ? `${JSON.stringify(explanation)}\n` : `${explanation.toString()}\n`);
}

async function load(schema: Schema, options: LoadOptions): Promise<Snapshot | undefined> {
  try {
    return await createReader(schema, options).read(options.signal);
  } catch (error) {
    if (!(error instanceof ConfigError) || error.code !== "CONFIG_INVALID") throw error;
    // For people even where it is no terminal: this runs in a pipeline's log, not in a service's.
    const { isTTY, columns } = process.stderr;
    process.stderr.write(`${formatReport(error.problems, isTTY ? terminalStyle(columns) : {})}\n`);
    return undefined;
  }
}

function confirm({ settled, warnings }: Snapshot): number {
  for (const { variable, message } of warnings) process.stderr.write(`Warning: ${variable} ${message}\n`);
  process.stderr.write(`Configuration is valid: ${settled.size} variables\n`);
  return 0;
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

function fail(code: number, message: string): number {
  process.stderr.write(message);
  return code;
}
