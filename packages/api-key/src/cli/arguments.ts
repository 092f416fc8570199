// What is on the command line: a command, read and checked before anything is opened.

import { parseArgs } from "node:util";
import type { Limits } from "../scopes.ts";

export const HELP = `Usage: holdfast-api-key COMMAND [OPTION]

Commands
  create             Make a key. It goes to standard output, once; what is kept of it goes to standard error.
    --name TEXT        what it is for
    --owner ID         who may have it
    --scope SCOPE      resource:action, with "*" for a whole segment; may be repeated
    --role ROLE        read-only, write or admin
    --limit KIND=VALUE what it is confined to; may be repeated
    --expires TIME     from now, such as 90d
    --environment NAME default: the first of API_KEY_ENVIRONMENTS
    --ensure-schema    make the table first, where it is not there
  list               Print what is kept of keys, in the order of their ids, 100 at a time.
    --owner ID         this owner's alone
    --active           without revoked and expired ones
    --after ID         those that come after
  rotate ID          Make a successor with the same rights and end, printed as by create.
    --grace TIME       how long the old key goes on; default 24h
  revoke ID          End a key for good.
    --because TEXT     why
  hash               Read a key from standard input, and print what API_KEYS may hold in its place.
    --name NAME        what to call a key that was not made here

Options of all but hash
  --json             Print JSON.
  --table NAME, --schema NAME
                     Where the keys are. Default: as the store has it.

Environment
  DATABASE_URL          Postgres, for all but hash
  API_KEY_PREFIX        what keys begin with, for create and rotate
  API_KEY_ENVIRONMENTS  default live,test
  API_KEY_PEPPERS       those of the service: ID:BASE64URL, with commas between them; the first is for new keys
`;

const OPTIONS = {
  help: { type: "boolean", short: "h" },
  json: { type: "boolean" },
  table: { type: "string" },
  schema: { type: "string" },
  name: { type: "string" },
  owner: { type: "string" },
  scope: { type: "string", multiple: true },
  role: { type: "string" },
  limit: { type: "string", multiple: true },
  expires: { type: "string" },
  environment: { type: "string" },
  "ensure-schema": { type: "boolean" },
  active: { type: "boolean" },
  after: { type: "string" },
  grace: { type: "string" },
  because: { type: "string" },
} as const;

type OptionName = keyof typeof OPTIONS;

const OF_STORE: readonly OptionName[] = ["json", "table", "schema"];
const COMMANDS: Readonly<Record<string, { readonly takesId: boolean; readonly options: readonly OptionName[] }>> = {
  create: {
    takesId: false,
    options: [...OF_STORE, "name", "owner", "scope", "role", "limit", "expires", "environment", "ensure-schema"],
  },
  list: { takesId: false, options: [...OF_STORE, "owner", "active", "after"] },
  rotate: { takesId: true, options: [...OF_STORE, "grace"] },
  revoke: { takesId: true, options: [...OF_STORE, "because"] },
  hash: { takesId: false, options: ["name"] },
};

export type Options = Parsed["values"];

export interface Command {
  readonly name: string;
  /** Of rotate and revoke. */
  readonly id: string;
  readonly options: Options;
}

/** The command, `help`, or what is wrong. */
export function readCommand(args: readonly string[]): Command | "help" | { readonly problem: string } {
  try {
    const { values, positionals } = parse(args);
    const [name = "", id, ...others] = positionals;
    if (values.help) return "help";
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (!command) return { problem: name === "" ? "No command given." : "There is no such command." };
    const stray = Object.keys(values).find((option) => !command.options.includes(option as OptionName));
    if (stray !== undefined) return { problem: `${name} has no option --${stray}.` };
    if (command.takesId !== (id !== undefined) || others.length > 0) {
      return {
        problem: command.takesId ? `${name} takes one ID.` : `${name} takes options only; a key never goes here.`,
      };
    }
    return { name, id: id ?? "", options: values };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

type Parsed = ReturnType<typeof parseArgs<{ allowPositionals: true; options: typeof OPTIONS }>>;

function parse(args: readonly string[]): Parsed {
  return parseArgs({ args: [...args], allowPositionals: true, options: OPTIONS });
}

/** `["dataset=sales", "dataset=stock"]` as limits. Undefined where one has no kind. */
export function readLimits(texts: readonly string[]): Limits | undefined {
  const limits = new Map<string, string[]>();
  for (const text of texts) {
    const [, kind, value] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
    if (kind === undefined || value === undefined) return undefined;
    limits.set(kind, [...(limits.get(kind) ?? []), value]);
  }
  return Object.fromEntries(limits);
}
