// Checkpoints in a bucket of S3: an object a key, with all that is kept of it, changed by conditional writes.

import { randomBytes } from "node:crypto";
import {
  type Bytes,
  type Clock,
  type Duration,
  parseBytes,
  parseDuration,
  sleep,
  systemClock,
  unlessAborted,
} from "@holdfast/core";
import type { CheckpointStore, Outcome, StoreCall } from "../checkpoint-store.ts";
import { assertFits, type Decide, deleted, granted, released, renewed, type Stored, saved } from "../entry.ts";
import { CheckpointError } from "../errors.ts";
import { decode, encode } from "../file/envelope.ts";
import { nameOf } from "../file/key-to-name.ts";
import { inTurn } from "../file/turns.ts";
import { inGroups, keysUnder } from "../s3/keys.ts";
import { objectsOf, type S3Client } from "../s3/objects.ts";
import { probe } from "../s3/probe.ts";

export type { S3Client } from "../s3/objects.ts";

export interface S3StoreOptions {
  /** An `S3Client` of `@aws-sdk/client-s3`. It stays the caller's, as do its retries and timeouts. */
  readonly client: S3Client;
  readonly bucket: string;
  /** What the names of the store's objects begin with. Default `holdfast-checkpoint/`. */
  readonly prefix?: string | undefined;
  /**
   * `many`: any number of processes may write, by conditional writes; a server without them is refused. `one`: for such a server. The
   * caller promises that one process at a time writes a key, through one store: each change is a read and then a write, and of two
   * processes that change a key at once, both may be told that they did, also that they have its lease. Default `many`.
   */
  readonly writers?: "many" | "one" | undefined;
  /** The longest data that is taken, in UTF-8. Default "16MiB". */
  readonly maxBytes?: Bytes | undefined;
  /** How long a change is tried again while others of the same key are quicker. Default "5s". */
  readonly contentionTimeout?: Duration | undefined;
  /** Default: the machine's own. */
  readonly clock?: Clock | undefined;
  /** Numbers of 0 <= n < 1. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

export interface S3Store extends CheckpointStore {
  /** The promise under which it works. */
  readonly writers: "many" | "one";
  /**
   * Finds out whether the server keeps to conditional writes, by objects that it makes and removes under the prefix. The first change does
   * so by itself; called at the start of a service, it says so before there is work to lose. Does nothing for `writers: "one"`.
   * @throws CheckpointError `STORE_UNFIT`: it does not; `STORE_FAILED`: that could not be found out
   */
  probe(call?: StoreCall): Promise<void>;
}

interface Standing {
  readonly stored: Stored;
  readonly etag: string;
  readonly marks: readonly string[];
}

/** The name of an object has 1024 bytes at the most, and those of ours have under 100 behind the prefix. */
const MOST_PREFIX_BYTES = 900;
/** Of so many stores that wrote last, an object tells the last write. */
const MOST_MARKS = 16;
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 500;

/**
 * Checkpoints in S3, or in what answers as S3 does. A change is a read and a write, and what it resolved to is there for every later read.
 *
 * The credentials need `s3:GetObject` and `s3:PutObject` under the prefix, and `s3:ListBucket`, without which S3 does not tell a missing
 * object from a forbidden one; `s3:DeleteObject` only to remove what the probe has written. No lifecycle rule may expire the objects.
 *
 * @example
 * const store = s3Store({ client: new S3Client({}), bucket: "my-service", prefix: "checkpoints/" });
 *
 * @throws CheckpointError `INVALID_OPTION`; HoldfastError `INVALID_DURATION`, `INVALID_BYTES`
 */
export function s3Store(options: S3StoreOptions): S3Store {
  const { client, bucket, prefix = "holdfast-checkpoint/", writers = "many" } = options;
  const { clock = systemClock, random = Math.random } = options;
  const maxBytes = parseBytes(options.maxBytes ?? "16MiB");
  const timeoutMs = parseDuration(options.contentionTimeout ?? "5s");
  if (!prefix.isWellFormed() || Buffer.byteLength(prefix) > MOST_PREFIX_BYTES) {
    throw new CheckpointError(
      "INVALID_OPTION",
      `prefix ${JSON.stringify(prefix)} is no text of up to ${MOST_PREFIX_BYTES} bytes of UTF-8: take a shorter one`,
    );
  }
  const objects = objectsOf(client, bucket);
  const id = randomBytes(8).toString("base64url");
  let written = 0;
  let probing: Promise<void> | undefined;

  function probed(): Promise<void> {
    if (writers === "one") return Promise.resolve();
    probing ??= probe(objects, prefix).catch((error) => {
      probing = undefined;
      throw error;
    });
    return probing;
  }

  /** Rejects with the signal's reason, whatever becomes of what was sent. */
  async function run<T>(call: StoreCall | undefined, work: () => Promise<T>): Promise<T> {
    call?.signal?.throwIfAborted();
    return await unlessAborted(work(), call?.signal);
  }

  async function find(key: string, signal: AbortSignal | undefined): Promise<Standing | undefined> {
    const name = prefix + nameOf(key);
    const found = await objects.get(name, signal);
    return found && { ...found, stored: decode(found.text, objects.urlOf(name), key) };
  }

  function change(key: string, call: StoreCall | undefined, decide: Decide): Promise<Outcome> {
    const signal = call?.signal;
    return run(call, async () => {
      await probed();
      return await inTurn(`${id} ${key}`, signal, () => changeAlone(key, signal, decide));
    });
  }

  async function changeAlone(key: string, signal: AbortSignal | undefined, decide: Decide): Promise<Outcome> {
    const deadline = clock.monotonic() + timeoutMs;
    const mark = `${id}.${(written++).toString(36)}`;
    let found = await find(key, signal);
    for (let longestPauseMs = FIRST_PAUSE_MS; ; longestPauseMs = Math.min(2 * longestPauseMs, LONGEST_PAUSE_MS)) {
      const changed = decide(found?.stored);
      if (!changed) return { ok: false, entry: found?.stored.entry };
      const others = found?.marks.filter((other) => !other.startsWith(`${id}.`)) ?? [];
      const marks = [mark, ...others].slice(0, MOST_MARKS);
      const condition = writers === "one" ? undefined : found ? { etag: found.etag } : "absent";
      const answer = await objects.put(prefix + nameOf(key), encode(changed), marks, condition, signal);
      if (answer.became === "written") return { ok: true, entry: changed.entry };
      if (answer.became === "failed") throw answer.error;
      if (answer.became === "refused") await sleep(random() * longestPauseMs, { clock, signal });
      found = await find(key, signal);
      // Done, and the answer lost. Where the client repeated it, our own write is what the repetition was refused for.
      if (found?.marks.includes(mark)) return { ok: true, entry: changed.entry };
      if (answer.became === "unknown") throw answer.error;
      if (clock.monotonic() >= deadline) {
        throw new CheckpointError("BUSY", `others changed ${JSON.stringify(key)} all the time, for ${timeoutMs} ms`);
      }
    }
  }

  return {
    writers,
    probe: (call) => run(call, probed),
    read: async (key, call) => (await run(call, () => find(key, call?.signal)))?.stored.entry,
    async save(key, data, options, call) {
      assertFits(key, data, maxBytes);
      return await change(key, call, (stored) => saved(key, stored, data, options));
    },
    delete: (key, condition = {}, call) => change(key, call, (stored) => deleted(stored, condition)),
    grant: (key, holder, seen, call) => change(key, call, (stored) => granted(key, stored, holder, seen)),
    renew: (key, fence, call) => change(key, call, (stored) => renewed(stored, fence)),
    release: (key, fence, call) => change(key, call, (stored) => released(stored, fence)),
    async *list(start, call) {
      const keys = await run(call, () => keysUnder(objects, prefix, start, call?.signal));
      for (const group of inGroups(keys)) {
        const found = await run(call, () => Promise.all(group.map((key) => find(key, call?.signal))));
        for (const standing of found) {
          const { key = "", version = 0, data = null, savedAt = 0 } = standing?.stored.entry ?? {};
          if (data !== null) yield { key, version, savedAt };
        }
      }
    },
    versions: async (key, call) => (await run(call, () => find(key, call?.signal)))?.stored.versions ?? [],
    async close() {},
  };
}
