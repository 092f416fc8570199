// How a value becomes the text that a store keeps, and comes back from it: checked, of a known form, and brought up to date.

import type { StandardSchemaV1 } from "@holdfast/core";
import type { Seal } from "@holdfast/core/seal";
import { CheckpointError } from "./errors.ts";
import { type Steps, step } from "./steps.ts";

/** From the schema version that it stands under to the next: `{ 1: (old) => ({ ...old, page: 0 }) }` leads from 1 to 2. */
export type Migrations = Readonly<Record<number, (old: never) => unknown>>;

export interface ValueOptions<Value> {
  readonly schema: StandardSchemaV1<unknown, Value> | undefined;
  readonly schemaVersion: number;
  readonly migrate: Migrations;
  readonly maxBytes: number;
  readonly seal: Seal | undefined;
}

export interface ValueCodec<Value> {
  /** @throws CheckpointError `INVALID_VALUE`, `TOO_LARGE`; now also `INVALID_OPTION`: the schema validates later */
  encode(key: string, value: Value): Steps<string>;
  /** @throws CheckpointError `CORRUPT`, `NEWER_VERSION`, `MIGRATION_FAILED`, `NOT_AUTHENTIC`, `INVALID_VALUE`, `INVALID_OPTION` as above */
  decode(key: string, text: string): Steps<Value>;
}

/** Goes up with every change of what is written. */
const FORM = 1;

interface Stored {
  readonly form: number;
  /** Under which schema version. */
  readonly schema: number;
  /** Absent where it is sealed. */
  readonly value?: unknown;
  /** JSON under the seal, with the key as its context: a value that is put under another key does not open. */
  readonly sealed?: string;
}

export function valueCodec<Value>(options: ValueOptions<Value>): ValueCodec<Value> {
  const { schema, schemaVersion, migrate, maxBytes, seal } = options;

  function* checked(key: string, value: unknown): Steps<Value> {
    if (schema === undefined) return value as Value;
    const validated = schema["~standard"].validate(value);
    const result =
      validated instanceof Promise
        ? yield* step(
            () => tooLate(key, validated),
            () => validated,
          )
        : validated;
    if (result.issues === undefined) return result.value;
    // Where and what, but no values: they may be secret.
    const issues = result.issues.slice(0, 5).map(({ message, path = [] }) => {
      const where = path.map((part) => String(typeof part === "object" ? part.key : part)).join(".");
      return where === "" ? message : `${where}: ${message}`;
    });
    throw new CheckpointError(
      "INVALID_VALUE",
      `The value of ${shown(key)} is not what its schema asks for: ${issues.join("; ")}`,
    );
  }

  return {
    *encode(key, value) {
      const json = toJson(key, value);
      // What will be loaded is what has to be valid: a Date, say, comes back as a text.
      if (schema !== undefined) yield* checked(key, JSON.parse(json));
      const content = seal ? `"sealed":${JSON.stringify(sealed(key, json, seal))}` : `"value":${json}`;
      // As JSON.stringify writes a Stored, without reading the value once more for it.
      const text = `{"form":${FORM},"schema":${schemaVersion},${content}}`;
      const bytes = Buffer.byteLength(text);
      if (bytes <= maxBytes) return text;
      throw new CheckpointError(
        "TOO_LARGE",
        `The value of ${shown(key)} takes ${bytes} bytes of ${maxBytes}; keep less in it, such as ids of the border alone, or raise maxBytes`,
      );
    },

    *decode(key, text) {
      const stored = parse(key, text);
      if (stored.form > FORM || stored.schema > schemaVersion) {
        throw new CheckpointError(
          "NEWER_VERSION",
          `${shown(key)} was saved under schema version ${stored.schema}, form ${stored.form}, and this program reads ${schemaVersion} and ${FORM}: update it`,
        );
      }
      const value = stored.sealed === undefined ? stored.value : opened(key, stored.sealed, seal);
      return yield* checked(key, migrated(key, value, stored.schema, schemaVersion, migrate));
    },
  };
}

function tooLate(key: string, validated: Promise<unknown>): never {
  validated.catch(() => {});
  throw new CheckpointError(
    "INVALID_OPTION",
    `The schema of ${shown(key)} validates in its own time, and saveSync can't wait for it: use save, or a schema without asynchronous checks`,
  );
}

function toJson(key: string, value: unknown): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(value);
  } catch (cause) {
    throw new CheckpointError(
      "INVALID_VALUE",
      `The value of ${shown(key)} holds what JSON can't: no cycles, no bigints`,
      { cause },
    );
  }
  if (json !== undefined) return json;
  throw new CheckpointError(
    "INVALID_VALUE",
    `The value of ${shown(key)} is nothing that JSON can hold; use null for nothing`,
  );
}

function parse(key: string, text: string): Stored {
  let stored: Partial<Stored> | null = null;
  try {
    stored = JSON.parse(text) as Partial<Stored> | null;
  } catch {
    // Told below.
  }
  const { form, schema, sealed } = stored ?? {};
  const isWhole =
    Number.isInteger(form) &&
    Number.isInteger(schema) &&
    stored !== null &&
    ("value" in stored || typeof sealed === "string");
  if (isWhole) return stored as Stored;
  throw new CheckpointError(
    "CORRUPT",
    `What is stored under ${shown(key)} is no checkpoint, or not all of it is there`,
  );
}

function sealed(key: string, json: string, seal: Seal): string {
  const text: unknown = seal.seal(json, key);
  if (typeof text === "string") return text;
  throw new CheckpointError("INVALID_OPTION", "seal.seal gave no text; one that answers by a promise can't be used");
}

function opened(key: string, sealed: string, seal: Seal | undefined): unknown {
  if (seal === undefined) {
    throw new CheckpointError("NOT_AUTHENTIC", `${shown(key)} is sealed; give the seal that it was saved with`);
  }
  try {
    return JSON.parse(seal.openText(sealed, key));
  } catch (cause) {
    throw new CheckpointError("NOT_AUTHENTIC", `${shown(key)} does not open under the keys that are given`, { cause });
  }
}

function migrated(key: string, value: unknown, from: number, to: number, migrate: Migrations): unknown {
  let current = value;
  for (let version = from; version < to; version++) {
    const step = migrate[version];
    if (step === undefined) {
      throw new CheckpointError(
        "MIGRATION_FAILED",
        `${shown(key)} stands under schema version ${version}, and migrate has no step from there`,
      );
    }
    try {
      current = step(current as never);
    } catch (cause) {
      throw new CheckpointError(
        "MIGRATION_FAILED",
        `The migration of ${shown(key)} from schema version ${version} threw`,
        { cause },
      );
    }
  }
  return current;
}

/** A key may be long, and made of anything. */
export function shown(key: string): string {
  return JSON.stringify(key.length > 80 ? `${key.slice(0, 77)}…` : key);
}
