// The interface that checkpoint stores fulfil.

/**
 * What is stored under a key. A key that was leased and never saved, or whose value was deleted, has an entry without data: so fence
 * and version only ever grow, and nobody who remembers an earlier one is taken for up to date.
 */
export interface Entry {
  readonly key: string;
  /** 0 before the first save, and one more with each save and deletion. */
  readonly version: number;
  readonly data: string | null;
  /** Milliseconds since the epoch by the clock of whoever saved; for people to read, never to decide by. */
  readonly savedAt: number;
  /** How often the lease was granted. */
  readonly fence: number;
  /** Who holds the lease; null where nobody does. */
  readonly holder: string | null;
  /** One more with each grant and renewal: a lease whose beat stands still for its time is over. */
  readonly beat: number;
  /**
   * Only of `read`, and only where what stood can't be read: then `data` is of an earlier version, and `version` and `fence` are above all that
   * there were.
   */
  readonly recovered?: Recovered | undefined;
}

export interface Recovered {
  /** What the data is of. */
  readonly version: number;
  readonly because: string;
}

/** Under what condition something is changed. */
export interface Condition {
  /** Only if this version stands; 0: only if there is no data. Default: whatever stands. */
  readonly ifVersion?: number | undefined;
  /** Only if the lease was not granted again since this grant. Default: whoever holds it. */
  readonly fence?: number | undefined;
}

export interface SaveOptions extends Condition {
  readonly savedAt: number;
  /** How many versions before this one stay readable; older ones are dropped. Default 0. */
  readonly keep?: number | undefined;
  /** Kept with the version: why a value went back, where it did. */
  readonly note?: string | undefined;
}

/** What became of a change: done, and the entry as it is now; or refused, and the entry that stands, if there is one. */
export type Outcome =
  | { readonly ok: true; readonly entry: Entry }
  | { readonly ok: false; readonly entry: Entry | undefined };

export interface SavedVersion {
  readonly version: number;
  readonly data: string;
  readonly savedAt: number;
  readonly note: string | undefined;
}

export interface Listed {
  readonly key: string;
  readonly version: number;
  readonly savedAt: number;
}

export interface StoreCall {
  /** Rejects the call with its reason. What was sent may still be done. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Keeps texts by key.
 *
 * A key is any well-formed string of 1 to 1024 bytes of UTF-8, and keys never meet, however alike. Data is any well-formed text without NUL.
 *
 * Each call is atomic among all who share the store: of two changes under one condition, one is refused. What a call resolved to is there
 * for every call that starts later, as far as the store's promise goes. A call that rejects has either changed nothing, or done what it was
 * asked; under `ifVersion` it may be repeated, since the repetition is refused by the version that it made itself.
 */
export interface CheckpointStore {
  /** @throws CheckpointError `CORRUPT`: what is there can't be read. It is never taken for nothing. */
  read(key: string, call?: StoreCall): Promise<Entry | undefined>;
  /** Puts `data` in the place of what is there, as the next version. The lease stays as it is. */
  save(key: string, data: string, options: SaveOptions, call?: StoreCall): Promise<Outcome>;
  /** Takes the data away, with all earlier versions. Refused where there is none. The lease stays as it is. */
  delete(key: string, condition?: Condition, call?: StoreCall): Promise<Outcome>;
  /**
   * Grants the lease to `holder`, as the next fence, if fence and beat are still those that were seen; where `seen` is undefined, if
   * there is no entry.
   */
  grant(
    key: string,
    holder: string,
    seen: Pick<Entry, "fence" | "beat"> | undefined,
    call?: StoreCall,
  ): Promise<Outcome>;
  /** Moves the beat, if the lease was not granted again since this fence and somebody holds it. */
  renew(key: string, fence: number, call?: StoreCall): Promise<Outcome>;
  /** Moves the beat and takes the holder away, under the same condition. */
  release(key: string, fence: number, call?: StoreCall): Promise<Outcome>;
  /** Keys with data that begin with `prefix`, in the order of their UTF-8 bytes. */
  list(prefix: string, call?: StoreCall): AsyncIterable<Listed>;
  /** Versions that can still be read, the newest first; the one that stands is among them. */
  versions(key: string, call?: StoreCall): Promise<readonly SavedVersion[]>;
  close(): Promise<void>;
}

/** A store that can do without promises, too: what these are asked for is done when they return, and the process stands still until then. */
export interface SyncCheckpointStore extends CheckpointStore {
  readSync(key: string): Entry | undefined;
  /** @throws CheckpointError `BUSY`: also where this process itself is in the middle of a change of the key */
  saveSync(key: string, data: string, options: SaveOptions): Outcome;
}

const MOST_KEY_BYTES = 1024;

/** Whether a store takes it for a key. */
export function isKey(key: unknown): key is string {
  return (
    typeof key === "string" &&
    key !== "" &&
    key.length <= MOST_KEY_BYTES &&
    key.isWellFormed() &&
    Buffer.byteLength(key) <= MOST_KEY_BYTES
  );
}
