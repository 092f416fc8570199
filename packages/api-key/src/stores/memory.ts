// Keys in this process: for tests, and for services that make their keys anew at each start.

import { type Clock, systemClock } from "@holdfast/core";
import { ApiKeyError } from "../errors.ts";
import { DEFAULT_LIST_LIMIT, type KeyFilter, type KeyRecord, type KeyStore, type StoreCall } from "../key-store.ts";

export interface MemoryKeyStoreOptions {
  /** Says which keys have expired where a list leaves them out. Default: the machine's own. */
  readonly clock?: Clock | undefined;
  /** What is there from the start. Default: nothing. */
  readonly records?: readonly KeyRecord[] | undefined;
}

export interface MemoryKeyStore extends KeyStore {
  findSync(id: string): KeyRecord | undefined;
}

/** @throws ApiKeyError `CONFLICT`: two records of one id */
export function memoryKeyStore(options: MemoryKeyStoreOptions = {}): MemoryKeyStore {
  const { clock = systemClock } = options;
  const records = new Map<string, KeyRecord>();

  function add(added: readonly KeyRecord[]): void {
    const ids = new Set(added.map(({ id }) => id));
    const taken = added.find(({ id }) => records.has(id) || !ids.delete(id));
    if (taken) throw new ApiKeyError("CONFLICT", `There is a key ${taken.id} already`);
    for (const record of added) records.set(record.id, frozen(record));
  }

  add(options.records ?? []);
  return {
    findSync: (id) => records.get(id),
    find: (id, call) => atOnce(call, () => records.get(id)),
    add: (added, call) => atOnce(call, () => add(added)),
    update: (id, version, change, added, call) =>
      atOnce(call, () => {
        const record = records.get(id);
        if (!record) throw new ApiKeyError("NOT_FOUND", `There is no key ${id}`);
        if (record.version !== version) {
          throw new ApiKeyError(
            "CONFLICT",
            `Key ${id} has version ${record.version} now, not ${version}: read it again`,
          );
        }
        if (added) add([added]);
        const changed = frozen({ ...record, ...change, version: version + 1 });
        records.set(id, changed);
        return changed;
      }),
    touch: (id, usedAt, call) =>
      atOnce(call, () => {
        const record = records.get(id);
        if (record && (record.lastUsedAt ?? -1) < usedAt) records.set(id, frozen({ ...record, lastUsedAt: usedAt }));
      }),
    list: (filter, call) =>
      atOnce(call, () => {
        const now = clock.now();
        return [...records.values()]
          .filter((record) => isListed(record, filter, now))
          .sort((a, b) => (a.id < b.id ? -1 : 1))
          .slice(0, filter.limit ?? DEFAULT_LIST_LIMIT);
      }),
    close: async () => {},
  };
}

function isListed(record: KeyRecord, { owner, includeEnded = true, after = "" }: KeyFilter, now: number): boolean {
  const hasEnded = record.revokedAt !== null || (record.expiresAt !== null && record.expiresAt <= now);
  return record.id > after && (owner === undefined || record.owner === owner) && (includeEnded || !hasEnded);
}

/** A copy that nobody can widen afterwards. */
function frozen(record: KeyRecord): KeyRecord {
  const limits = Object.entries(record.limits).map(([kind, values]) => [kind, Object.freeze([...values])] as const);
  return Object.freeze({
    ...record,
    digest: new Uint8Array(record.digest),
    scopes: Object.freeze([...record.scopes]),
    limits: Object.freeze(Object.fromEntries(limits)),
    metadata: Object.freeze({ ...record.metadata }),
  });
}

async function atOnce<T>(call: StoreCall | undefined, act: () => T): Promise<T> {
  call?.signal?.throwIfAborted();
  return act();
}
