// Keys in memory on a clock of the test's own, and everything that they tell; and keys that nobody issued.

import { randomBytes } from "node:crypto";
import { createManualClock, type ManualClock } from "@holdfast/core";
import { BASE62 } from "../src/base62.ts";
import {
  type ApiKeys,
  type ApiKeysOptions,
  type CreatedKey,
  createApiKeys,
  createKeyFormat,
  type KeyEvents,
  type MemoryKeyStore,
  memoryKeyStore,
  type NewKey,
} from "../src/index.ts";

export const NOW = 1_800_000_000_000;
export const DAY = 86_400_000;

export type Told = { readonly [Name in keyof KeyEvents]: readonly [Name, KeyEvents[Name]] }[keyof KeyEvents];

export interface Setting {
  readonly keys: ApiKeys;
  readonly store: MemoryKeyStore;
  readonly clock: ManualClock;
  readonly told: Told[];
  /** With a name, an owner and the scope `datasets:read`, unless told otherwise. */
  create(key?: Partial<NewKey>): Promise<CreatedKey & { readonly plain: string }>;
}

export function setUp(options: Partial<ApiKeysOptions> & { readonly store?: MemoryKeyStore } = {}): Setting {
  const clock = createManualClock(NOW);
  const store = options.store ?? memoryKeyStore({ clock });
  const told: Told[] = [];
  const on = {
    used: (event: KeyEvents["used"]) => told.push(["used", event]),
    refused: (event: KeyEvents["refused"]) => told.push(["refused", event]),
    changed: (event: KeyEvents["changed"]) => told.push(["changed", event]),
    expiring: (event: KeyEvents["expiring"]) => told.push(["expiring", event]),
  };
  const keys = createApiKeys({ prefix: "acme", clock, on, ...options, store });
  return {
    keys,
    store,
    clock,
    told,
    async create(key = {}) {
      const created = await keys.create({ name: "export", owner: "team-7", scopes: ["datasets:read"], ...key });
      return { ...created, plain: created.text.reveal() };
    },
  };
}

/** A key with a right checksum that nobody issued, of this id where one is given. */
export function forge(id?: string, environment = "live"): string {
  let isId = id !== undefined;
  return createKeyFormat({ prefix: "acme", environments: [environment] }).make(environment, (size) => {
    const digits = isId ? Uint8Array.from(id ?? "", (digit) => BASE62.indexOf(digit)) : undefined;
    isId = false;
    return digits ?? new Uint8Array(randomBytes(size));
  }).text;
}
