// A download that is not whole yet, on disk: its bytes in one file, what they are of in another.

import { createReadStream } from "node:fs";
import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Clock } from "@holdfast/core";
import { digestOf } from "../engine/resume.ts";
import { HttpRetryError } from "../errors.ts";
import { ignore, onDisk } from "./file-error.ts";
import { bootId, hashOf, type PartState, readPartState, removePartState, writePartState } from "./part-state.ts";

/** What the bytes of a part are the beginning of. */
export type Whole = Pick<PartState, "source" | "length" | "digest"> & {
  /** Strong; without one, a part is of no use once the download is broken off. */
  readonly etag: string | undefined;
};

// How much a power cut may cost.
const SYNC_BYTES = 64 * 1024 * 1024;
const SYNC_MS = 5000;

export class PartFile {
  readonly #target: string;
  readonly #path: string;
  readonly #statePath: string;
  readonly #url: string;
  readonly #clock: Clock;
  readonly #boot: string | null;
  #file: FileHandle | undefined;
  #whole: Whole | undefined;
  #bytes = 0;
  #syncedBytes = 0;
  #syncedAt = 0;

  private constructor(target: string, url: string, clock: Clock, boot: string | null) {
    this.#target = target;
    this.#path = `${target}.part`;
    this.#statePath = `${target}.part.json`;
    this.#url = hashOf(url);
    this.#clock = clock;
    this.#boot = boot;
  }

  /** With what there is of it from an earlier time. */
  static async open(target: string, url: string, clock: Clock): Promise<PartFile> {
    const part = new PartFile(target, url, clock, await bootId());
    await part.#onDisk(() => part.#takeUp());
    return part;
  }

  /** So many are there, and good. */
  get bytes(): number {
    return this.#bytes;
  }

  get whole(): Whole | undefined {
    return this.#whole;
  }

  /** As far as its length is known. */
  get isWhole(): boolean {
    return this.#whole !== undefined && (this.#whole.length ?? this.#bytes) === this.#bytes;
  }

  /** Starts over. The file is a new one, so that whoever still writes the old one does no harm. */
  begin(whole: Whole): Promise<void> {
    return this.#onDisk(async () => {
      await this.#forget();
      this.#file = await open(this.#path, "wx");
      this.#whole = whole;
      await this.#save();
    });
  }

  /** The bytes from `position` on, which is not beyond what is there, come now. */
  goOnAt(position: number, whole: Whole): void {
    this.#bytes = position;
    this.#whole = whole;
  }

  write(chunk: Uint8Array): Promise<void> {
    return this.#onDisk(async () => {
      for (let written = 0; written < chunk.byteLength; ) {
        const { bytesWritten } = await this.#handle.write(chunk, written, chunk.byteLength - written, this.#bytes);
        written += bytesWritten;
        this.#bytes += bytesWritten;
      }
      const isDue =
        this.#clock.monotonic() - this.#syncedAt >= SYNC_MS || this.#bytes - this.#syncedBytes >= SYNC_BYTES;
      if (isDue) await this.#save();
    });
  }

  /** Leaves what is there for another time; or nothing, where it could not be gone on with. */
  keep(): Promise<void> {
    return this.#onDisk(async () => {
      if (this.#whole?.etag !== undefined) await this.#save();
      else if (this.#whole) await this.#forget();
    });
  }

  discard(): Promise<void> {
    return this.#onDisk(() => this.#forget());
  }

  /** Whether it is what its `Repr-Digest` says, as far as there is one. */
  isSound(signal: AbortSignal | undefined): Promise<boolean> {
    return this.#onDisk(async () => {
      const digest = digestOf(this.#whole?.digest ?? undefined);
      if (!digest) return true;
      for await (const chunk of createReadStream(this.#path)) {
        signal?.throwIfAborted();
        digest.hash.update(chunk);
      }
      return digest.hash.digest("base64") === digest.expected;
    });
  }

  /** Puts it where it belongs. */
  finish(): Promise<void> {
    return this.#onDisk(async () => {
      await this.#handle.sync();
      await this.close();
      await rename(this.#path, this.#target);
      await syncFolder(dirname(this.#path));
      await removePartState(this.#statePath);
    });
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  get #handle(): FileHandle {
    if (this.#file) return this.#file;
    throw new HttpRetryError("FILE_FAILED", `${this.#path} is not open`);
  }

  async #takeUp(): Promise<void> {
    const state = await readPartState(this.#statePath);
    const facts = await stat(this.#path).catch(ignore("ENOENT"));
    if (!state || !facts?.isFile() || state.url !== this.#url) return;
    const isSameBoot = state.boot !== null && state.boot === this.#boot;
    this.#bytes = isSameBoot ? facts.size : Math.min(facts.size, state.syncedBytes);
    this.#syncedBytes = this.#bytes;
    this.#syncedAt = this.#clock.monotonic();
    if (this.#bytes === 0 || this.#bytes > (state.length ?? Number.POSITIVE_INFINITY)) return this.#forget();
    this.#whole = state;
    this.#file = await open(this.#path, "r+");
    // What is not to be relied on must not look later as if it were.
    await this.#file.truncate(this.#bytes);
  }

  async #forget(): Promise<void> {
    this.#bytes = 0;
    this.#whole = undefined;
    await this.close();
    await removePartState(this.#statePath);
    await rm(this.#path, { force: true });
  }

  /** First the bytes, then the word that they are there. */
  async #save(): Promise<void> {
    this.#syncedAt = this.#clock.monotonic();
    if (this.#whole?.etag === undefined) return;
    const { source, etag, length, digest } = this.#whole;
    await this.#handle.datasync();
    this.#syncedBytes = this.#bytes;
    await writePartState(this.#statePath, {
      url: this.#url,
      source,
      etag,
      length,
      digest,
      syncedBytes: this.#bytes,
      boot: this.#boot,
    });
  }

  #onDisk<Result>(work: () => Promise<Result>): Promise<Result> {
    const keeps = (): string => (this.#whole?.etag === undefined ? "" : `; ${this.#bytes} bytes of it are kept`);
    return onDisk(this.#target, keeps, work);
  }
}

/** So that a power cut does not take the new name back. Windows can't, and does it by itself. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
