// Keys in an environment variable, for a service whose few keys change when it is deployed: API_KEYS="acme_live_…,sha256:reports:9f86…".

import { timingSafeEqual } from "node:crypto";
import { type Clock, type Logger, Secret, silentLogger, systemClock } from "@holdfast/core";
import { isForeignText, sha256 } from "../digest.ts";
import { ApiKeyError } from "../errors.ts";
import { parseAnyKey } from "../key-format.ts";
import { ANY_ENVIRONMENT, type KeyRecord, type KeyStore } from "../key-store.ts";
import { checkHeldScopes, checkLimits, type Limits } from "../scopes.ts";
import { memoryKeyStore } from "./memory.ts";

/** What a key of the environment may do. */
export interface EnvironmentGrant {
  readonly scopes: readonly string[];
  readonly limits?: Limits | undefined;
  /** Default: the key's id. */
  readonly owner?: string | undefined;
}

export interface EnvironmentKeyStoreOptions extends EnvironmentGrant {
  /**
   * The variable: entries with commas between them, each one of
   * - a key as it is: one that was made here, or any random text of 32 or more printable characters
   * - `sha256:ID:HEX`, as the command `hash` prints it: nothing in the environment is a key then
   * - `dev-key-12345`, for development: works outside production only, and is warned of
   */
  readonly keys: string | Secret | undefined;
  /** By id (`reports` of `sha256:reports:9f86…`), what this key may do in the place of what all may. */
  readonly named?: Readonly<Record<string, EnvironmentGrant>> | undefined;
  /** Default: whether `NODE_ENV` is `production`. */
  readonly production?: boolean | undefined;
  /** Told of keys that would not do in production. */
  readonly logger?: Logger | undefined;
  readonly clock?: Clock | undefined;
}

const DEVELOPMENT_KEY = "dev-key-12345";
/** As many random hex digits are 128 bits. */
const LEAST_FOREIGN_LENGTH = 32;

/**
 * A store that can't be written to. Digests are SHA-256, without a pepper: what would be gained by a pepper from the same environment?
 *
 * @example
 * const store = environmentKeyStore({ keys: config.API_KEYS, scopes: ["datasets:read"] });
 * @throws ApiKeyError `INVALID_OPTION`, `INVALID_SCOPE`, never with a key in its message
 */
export function environmentKeyStore(options: EnvironmentKeyStoreOptions): KeyStore {
  const { keys, named = {}, logger = silentLogger, clock = systemClock } = options;
  const { production = process.env["NODE_ENV"] === "production" } = options;
  for (const { scopes, limits = {} } of [options, ...Object.values(named)]) {
    checkHeldScopes(scopes);
    checkLimits(limits);
  }

  const entries = (keys instanceof Secret ? keys.reveal() : (keys ?? "")).split(",").map((entry) => entry.trim());
  const records: KeyRecord[] = [];
  for (const [index, entry] of entries.entries()) {
    if (entry === "") continue;
    const read = readEntry(entry);
    const problem = typeof read === "string" ? read : weaknessOf(entry, read);
    if (typeof read === "string" || (problem !== undefined && production)) {
      throw new ApiKeyError("INVALID_OPTION", `Key ${index + 1} of the environment ${problem}`);
    }
    if (problem !== undefined) logger.warn({ keyId: read.id }, `A key of the environment ${problem}`);
    if (records.some(({ id }) => id === read.id)) {
      throw new ApiKeyError("INVALID_OPTION", `Key ${index + 1} of the environment is there twice, or its id is`);
    }
    records.push(recordOf(read, Object.hasOwn(named, read.id) ? (named[read.id] ?? options) : options));
  }
  const foreign = records.filter(({ environment }) => environment === ANY_ENVIRONMENT);
  return {
    ...memoryKeyStore({ clock, records }),
    findForeign(digest) {
      let found: KeyRecord | undefined;
      // All of them, so that the time does not tell which.
      for (const record of foreign) if (timingSafeEqual(record.digest, digest)) found = record;
      return found;
    },
    add: readOnly,
    update: readOnly,
  };
}

type Entry = Pick<KeyRecord, "id" | "environment" | "digest">;

/** The entry, or what is wrong with it. */
function readEntry(entry: string): Entry | string {
  if (entry.startsWith("sha256:")) return readHashed(entry) ?? "is not of the form sha256:ID:HEX";
  if (!isForeignText(entry)) return "is not of 1 to 256 printable characters";
  const digest = new Uint8Array(sha256(entry));
  const own = parseAnyKey(entry);
  if (own) return { id: own.id, environment: own.environment, digest };
  const id = entry === DEVELOPMENT_KEY ? "dev-key" : `env-${Buffer.from(digest).toString("hex", 0, 4)}`;
  return { id, environment: ANY_ENVIRONMENT, digest };
}

function readHashed(entry: string): Entry | undefined {
  const [, environment = ANY_ENVIRONMENT, id, hex] =
    /^sha256:(?:([a-z0-9]{1,12})_(?=[0-9A-Za-z]{12}:))?([0-9A-Za-z-]{1,32}):([0-9a-f]{64})$/.exec(entry) ?? [];
  if (id === undefined || hex === undefined) return undefined;
  return { id, environment, digest: new Uint8Array(Buffer.from(hex, "hex")) };
}

/** The entry as the command `hash` prints it. @throws ApiKeyError `INVALID_OPTION` */
export function hashedEntry(text: string, name: string | undefined): string {
  if (!isForeignText(text)) throw new ApiKeyError("INVALID_OPTION", "A key is 1 to 256 printable characters");
  const own = parseAnyKey(text);
  const id = own ? `${own.environment}_${own.id}` : name;
  if (id === undefined || (!own && !/^[0-9A-Za-z-]{1,32}$/.test(id))) {
    throw new ApiKeyError(
      "INVALID_OPTION",
      "A key of another form needs a name of 1 to 32 letters, digits and hyphens",
    );
  }
  return `sha256:${id}:${Buffer.from(sha256(text)).toString("hex")}`;
}

/** Why a key won't do in production. */
function weaknessOf(entry: string, { environment }: Entry): string | undefined {
  if (entry === DEVELOPMENT_KEY)
    return "is the one for development, which everybody knows: put a key of your own in its place";
  if (environment !== ANY_ENVIRONMENT || entry.startsWith("sha256:")) return undefined;
  const isStrong = entry.length >= LEAST_FOREIGN_LENGTH && new Set(entry).size >= 8;
  return isStrong ? undefined : "can be guessed: put one of 32 or more random characters in its place";
}

function recordOf(entry: Entry, { scopes, limits = {}, owner = entry.id }: EnvironmentGrant): KeyRecord {
  return {
    ...entry,
    pepperId: null,
    name: entry.id,
    owner,
    scopes,
    limits,
    metadata: {},
    createdAt: 0,
    createdBy: null,
    expiresAt: null,
    revokedAt: null,
    revokedBecause: null,
    lastUsedAt: null,
    successorId: null,
    version: 1,
  };
}

async function readOnly(): Promise<never> {
  throw new ApiKeyError("READ_ONLY", "Keys of the environment are changed where the environment is");
}
