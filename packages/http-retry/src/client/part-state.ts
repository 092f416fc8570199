// What is remembered of a part from one process to the next: a small file beside it.

import { createHash } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";
import { strong } from "../engine/resume.ts";
import { HttpRetryError } from "../errors.ts";
import { ignore } from "./file-error.ts";

export interface PartState {
  /** Of the URL that was asked for, which may hold secrets, the SHA-256. */
  readonly url: string;
  /** The same of where redirects led, without its query, which may be signed anew each time: a validator is of one resource. */
  readonly source: string;
  /** A strong one: the rest is asked for only if it still holds. */
  readonly etag: string;
  /** Of the whole; null where the server doesn't say. */
  readonly length: number | null;
  /** The `Repr-Digest` field of the whole. */
  readonly digest: string | null;
  /** So much of the part would survive a power cut. */
  readonly syncedBytes: number;
  /** Which run of the machine this is, where it can be told: within one, all that was written is there. */
  readonly boot: string | null;
}

const VERSION = 1;

export function hashOf(url: string): string {
  return createHash("sha256").update(url).digest("base64url");
}

/**
 * Undefined where there is none, or what there is can't be made sense of.
 * @throws HttpRetryError `FILE_FAILED`: a later version of this package wrote it
 */
export async function readPartState(path: string): Promise<PartState | undefined> {
  const state = parse(await readFile(path, "utf8").catch(ignore("ENOENT")));
  if (state?.["version"] === VERSION && isPartState(state)) return state;
  if (typeof state?.["version"] !== "number" || state["version"] <= VERSION) return undefined;
  throw new HttpRetryError(
    "FILE_FAILED",
    `${path} is of version ${state["version"]}, and this package knows ${VERSION}: finish the download with the newer one, or remove the file to start over`,
  );
}

/** Replaces it as a whole, or not at all. */
export async function writePartState(path: string, state: PartState): Promise<void> {
  const draft = `${path}.tmp`;
  const file = await open(draft, "w");
  try {
    await file.writeFile(JSON.stringify({ version: VERSION, ...state }));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
}

export async function removePartState(path: string): Promise<void> {
  await rm(path, { force: true });
  await rm(`${path}.tmp`, { force: true });
}

/** Of Linux; there is no such thing elsewhere. */
export async function bootId(): Promise<string | null> {
  return readFile("/proc/sys/kernel/random/boot_id", "utf8").then(
    (id) => id.trim(),
    () => null,
  );
}

function parse(text: string | undefined): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text ?? "");
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function isPartState(state: object): state is PartState {
  const { url, source, etag, length, digest, syncedBytes, boot } = state as Record<keyof PartState, unknown>;
  return (
    typeof url === "string" &&
    typeof source === "string" &&
    typeof etag === "string" &&
    strong(etag) === etag &&
    (length === null || isSize(length)) &&
    (digest === null || typeof digest === "string") &&
    isSize(syncedBytes) &&
    (boot === null || typeof boot === "string")
  );
}

function isSize(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
