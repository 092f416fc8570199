// What the command line does, apart from where it reads and writes. Standard output holds what was asked for and nothing else.

import { HoldfastError } from "@holdfast/core";
import { createApiKeys } from "../create-keys.ts";
import type { Pepper } from "../digest.ts";
import type { KeyInfo } from "../key-info.ts";
import type { KeyStore } from "../key-store.ts";
import type { ApiKeys, CreatedKey } from "../keys.ts";
import { hashedEntry } from "../stores/environment.ts";
import { type Command, HELP, type Options, readCommand, readLimits } from "./arguments.ts";
import type { OpenOptions } from "./postgres.ts";

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  openStore(options: OpenOptions): Promise<KeyStore>;
  /** All of standard input. */
  readInput(): Promise<string>;
  print(text: string): void;
  tell(text: string): void;
}

// BSD's sysexits.h.
const EX_USAGE = 64;
const EX_DATAERR = 65;
const EX_UNAVAILABLE = 69;
const EX_CONFIG = 78;

/** Something is wrong with what the command was given. */
class Misuse extends Error {
  readonly exitCode: number;
  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Resolves to the exit code. */
export async function run(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const { print, tell } = surroundings;
  const command = readCommand(args);
  if (command === "help") {
    print(HELP);
    return 0;
  }
  if ("problem" in command) {
    tell(`${command.problem}\n\n${HELP}`);
    return EX_USAGE;
  }
  try {
    if (command.name === "hash") {
      print(`${hashedEntry((await surroundings.readInput()).trim(), command.options.name)}\n`);
    } else await runOnStore(command, surroundings);
    return 0;
  } catch (error) {
    tell(`${error instanceof Error ? error.message : String(error)}\n`);
    if (error instanceof Misuse) return error.exitCode;
    return error instanceof HoldfastError ? EX_DATAERR : EX_UNAVAILABLE;
  }
}

async function runOnStore(command: Command, surroundings: Surroundings): Promise<void> {
  const { env, openStore } = surroundings;
  const { table, schema, "ensure-schema": ensureSchema = false } = command.options;
  const settings = readSettings(env, command.name);
  const store = await openStore({ url: settings.url, table, schema, ensureSchema });
  try {
    await using keys = createApiKeys({ ...settings, store });
    await perform(command, keys, surroundings);
  } finally {
    await store.close();
  }
}

async function perform({ name, id, options }: Command, keys: ApiKeys, io: Surroundings): Promise<void> {
  if (name === "create") show(await create(keys, options), options, io);
  else if (name === "list") {
    const { owner, after, active = false } = options;
    printKeys(await keys.list({ owner, after, includeEnded: !active }), options, io);
  } else if (name === "rotate") {
    const rotated = await keys.rotate(id, { grace: options.grace });
    show(rotated, options, io);
    io.tell(`The old key ends at ${time(rotated.previous.expiresAt)}.\n`);
  } else {
    const revoked = await keys.revoke(id, { because: options.because });
    printKeys([revoked], options, io);
  }
}

async function create(keys: ApiKeys, options: Options): Promise<CreatedKey> {
  const { name, owner, scope: scopes, role, limit = [], expires: expiresIn, environment } = options;
  if (name === undefined || owner === undefined) throw new Misuse(EX_USAGE, "create takes --name and --owner.");
  const limits = readLimits(limit);
  if (limits === undefined) throw new Misuse(EX_USAGE, "--limit takes KIND=VALUE, such as dataset=sales.");
  return keys.create({ name, owner, scopes, role, limits, expiresIn, environment });
}

function show({ text, key }: CreatedKey, { json = false }: Options, { print, tell }: Surroundings): void {
  if (json) {
    print(`${JSON.stringify({ text: text.reveal(), key })}\n`);
    return;
  }
  print(`${text.reveal()}\n`);
  tell(`${table([key])}It is not shown again.\n`);
}

function printKeys(keys: readonly KeyInfo[], { json = false }: Options, { print }: Surroundings): void {
  print(json ? `${JSON.stringify(keys)}\n` : table(keys));
}

function table(keys: readonly KeyInfo[]): string {
  const head = ["ID", "ENVIRONMENT", "OWNER", "NAME", "SCOPES", "LAST USED", "ENDS"];
  const rows = keys.map(({ id, environment, owner, name, scopes, lastUsedAt, expiresAt, revokedAt }) => [
    ...[id, environment, owner, name, scopes.join(" ") || "-", time(lastUsedAt)],
    revokedAt === null ? time(expiresAt) : `revoked ${time(revokedAt)}`,
  ]);
  const widths = head.map((title, column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? title).length)));
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ");
  return [head, ...rows].map((row) => `${line(row).trimEnd()}\n`).join("");
}

function time(at: number | null): string {
  return at === null ? "never" : new Date(at).toISOString();
}

interface Settings {
  readonly url: string;
  readonly prefix: string;
  readonly environments: readonly string[];
  readonly peppers: readonly Pepper[];
}

function readSettings(env: Surroundings["env"], command: string): Settings {
  const url = env["DATABASE_URL"];
  if (!url) throw new Misuse(EX_CONFIG, "DATABASE_URL is not set: it says where the keys are.");
  const makesKeys = command === "create" || command === "rotate";
  const prefix = env["API_KEY_PREFIX"] ?? (makesKeys ? undefined : "none");
  if (prefix === undefined) throw new Misuse(EX_CONFIG, "API_KEY_PREFIX is not set: it says what keys begin with.");
  return {
    url,
    prefix,
    environments: list(env["API_KEY_ENVIRONMENTS"] ?? "live,test"),
    peppers: list(env["API_KEY_PEPPERS"] ?? "").map((entry) => {
      const [, id, key] = /^([\w-]+):([\w-]+)$/.exec(entry) ?? [];
      if (id === undefined || key === undefined)
        throw new Misuse(EX_CONFIG, "API_KEY_PEPPERS is no list of ID:BASE64URL.");
      return { id, key };
    }),
  };
}

function list(text: string): string[] {
  return text
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
}
