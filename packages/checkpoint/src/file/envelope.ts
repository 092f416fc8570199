// What a file holds: one line that says how long the rest is and what it hashes to, and the rest, which is JSON.

import { hash } from "node:crypto";
import type { Entry, SavedVersion } from "../checkpoint-store.ts";
import type { Stored } from "../entry.ts";
import { CheckpointError } from "../errors.ts";

/** The payload, in the order in which it is written. The version that stands is in the entry, and not said twice. */
interface Payload extends Entry {
  readonly note: string | undefined;
  readonly earlier: readonly SavedVersion[];
}

const MAGIC = "holdfast-checkpoint";
const FORMAT = 1;
const HEADER = new RegExp(`^${MAGIC} ([1-9][0-9]{0,8}) ([0-9]{1,15}) ([0-9a-f]{64})$`);
const ANY_FORMAT = new RegExp(`^${MAGIC} ([1-9][0-9]{0,8}) `);
/** Of a header of any format, that is; what is longer is none. */
const MOST_HEADER_LETTERS = 200;

export function encode(stored: Stored): Buffer {
  return Buffer.from(textOf(stored));
}

export function textOf({ entry, versions: [current, ...earlier] }: Stored): string {
  const { key, version, data, savedAt, fence, holder, beat } = entry;
  const payload: Payload = { key, version, data, savedAt, fence, holder, beat, note: current?.note, earlier };
  const body = JSON.stringify(payload);
  return `${MAGIC} ${FORMAT} ${Buffer.byteLength(body)} ${hash("sha256", body)}\n${body}`;
}

/**
 * @param text of the file, read as UTF-8: what is no UTF-8 any more, or another, has another checksum
 * @param path of the file, for the message
 * @param key that the file has to be of; undefined where only the file itself can tell
 * @throws CheckpointError `CORRUPT`, `NEWER_VERSION`
 */
export function decode(text: string, path: string, key?: string): Stored {
  const end = text.slice(0, MOST_HEADER_LETTERS).indexOf("\n");
  const header = text.slice(0, Math.max(end, 0));
  const format = Number(ANY_FORMAT.exec(header)?.[1] ?? 0);
  if (format > FORMAT)
    throw new CheckpointError(
      "NEWER_VERSION",
      `${path} is of format ${format}, and this version of the package knows ${FORMAT}: read it with the newer one`,
    );
  const [, , length, digest] = HEADER.exec(header) ?? [];
  if (length === undefined) throw corrupt(path, text === "" ? "it is empty" : "its first line is not a header");
  const body = text.slice(end + 1);
  const bytes = Buffer.byteLength(body);
  if (bytes !== Number(length)) throw corrupt(path, `it has ${bytes} bytes of ${length} after its header`);
  if (hash("sha256", body) !== digest) throw corrupt(path, "its checksum is another");
  const payload: unknown = parse(body);
  if (!isPayload(payload)) throw corrupt(path, "it is whole, but not what this package writes");
  if (key !== undefined && payload.key !== key) throw corrupt(path, `it is of the key ${JSON.stringify(payload.key)}`);
  return toStored(payload);
}

function corrupt(path: string, because: string): CheckpointError {
  return new CheckpointError(
    "CORRUPT",
    `${path} can't be relied on: ${because}. Put back a good copy, or move it away to start from nothing`,
  );
}

function toStored({ key, version, data, savedAt, fence, holder, beat, note, earlier }: Payload): Stored {
  return {
    entry: { key, version, data, savedAt, fence, holder, beat },
    versions: data === null ? [] : [{ version, data, savedAt, note }, ...earlier.map(withNote)],
  };
}

/** JSON has no undefined. */
function withNote({ note, ...version }: SavedVersion): SavedVersion {
  return { ...version, note };
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function isPayload(value: unknown): value is Payload {
  if (!isRecord(value)) return false;
  const { key, data, fence, holder, beat, earlier } = value;
  return (
    typeof key === "string" &&
    (data === null || isVersion(value)) &&
    [value["version"], fence, beat].every(Number.isSafeInteger) &&
    Number.isFinite(value["savedAt"]) &&
    (holder === null || typeof holder === "string") &&
    Array.isArray(earlier) &&
    earlier.every(isVersion)
  );
}

function isVersion(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { version, data, savedAt, note } = value;
  return (
    Number.isSafeInteger(version) &&
    typeof data === "string" &&
    Number.isFinite(savedAt) &&
    (note === undefined || typeof note === "string")
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
