// A key's life: made, found, listed, rotated, revoked.

import { type Clock, parseDuration, Secret } from "@holdfast/core";
import type { Digests } from "./digest.ts";
import { ApiKeyError } from "./errors.ts";
import { type KeyChangedEvent, type KeyHooks, tell } from "./events.ts";
import type { KeyFormat } from "./key-format.ts";
import { infoOf } from "./key-info.ts";
import type { KeyChange, KeyFilter, KeyRecord, KeyStore, StoreCall } from "./key-store.ts";
import type { ApiKeys } from "./keys.ts";
import { checkGrant, checkText, type Description, describeKey, type OwnerMay } from "./new-key.ts";
import type { Roles } from "./roles.ts";

type Life = Pick<ApiKeys, "create" | "find" | "list" | "rotate" | "revoke">;

interface LifeOptions {
  readonly store: KeyStore;
  readonly format: KeyFormat;
  /** Of new keys. */
  readonly environment: string;
  readonly digests: Digests;
  readonly clock: Clock;
  readonly on: KeyHooks;
  readonly roles: Roles;
  readonly ownerMay: OwnerMay | undefined;
  readonly random: ((size: number) => Uint8Array) | undefined;
}

interface NewlyMade {
  readonly text: Secret;
  readonly record: KeyRecord;
}

interface Decided {
  readonly change: KeyChange;
  readonly successor?: NewlyMade;
}

const DEFAULT_GRACE = "24h";
// A change that meets others tries again: each try but the first is because somebody else got through.
const MOST_TRIES = 10;

export function createLife({ store, format, digests, clock, on, roles, ownerMay, ...options }: LifeOptions): Life {
  function makeKey(described: Description, createdBy: string | null): NewlyMade {
    const { environment, name, owner, scopes, limits, metadata, expiresAt } = described;
    const { id, text } = format.make(environment, options.random);
    const record: KeyRecord = {
      id,
      ...digests.make(text),
      ...{ environment, name, owner, scopes, limits, metadata },
      createdAt: clock.now(),
      createdBy,
      expiresAt,
      revokedAt: null,
      revokedBecause: null,
      lastUsedAt: null,
      successorId: null,
      version: 1,
    };
    return { text: new Secret(text), record };
  }

  /** Makes the change that `decide` wants of the record as it is now, again where somebody else was quicker. */
  async function changeLatest<D extends Decided | undefined>(
    id: string,
    call: StoreCall,
    decide: (record: KeyRecord) => Promise<D>,
  ): Promise<{ readonly record: KeyRecord; readonly decided: D }> {
    for (let triesLeft = MOST_TRIES; ; triesLeft--) {
      const record = await store.find(id, { ...call, fresh: true });
      if (!record) throw new ApiKeyError("NOT_FOUND", `There is no key of the id ${shownId(id)}`);
      const decided = await decide(record);
      if (!decided) return { record, decided };
      try {
        const { change, successor } = decided;
        return { record: await store.update(id, record.version, change, successor?.record, call), decided };
      } catch (error) {
        if (triesLeft === 1 || !(error instanceof ApiKeyError) || error.code !== "CONFLICT") throw error;
      }
    }
  }

  const tellChange = (event: KeyChangedEvent): void => tell(on, "changed", () => event);

  return {
    async create(asked, call) {
      const described = describeKey(asked, options.environment, roles, clock.now());
      await checkGrant(asked.by, described, ownerMay);
      const by = asked.by?.id ?? null;
      const { text, record } = makeKey(described, by);
      await store.add([record], call);
      tellChange({ change: "created", keyId: record.id, owner: record.owner, by, requestId: asked.requestId });
      return { text, key: infoOf(record) };
    },

    async find(id, call) {
      const record = await store.find(id, call);
      return record && infoOf(record);
    },

    async list(filter = {}, call) {
      checkFilter(filter);
      return (await store.list(filter, call)).map(infoOf);
    },

    async rotate(id, { grace = DEFAULT_GRACE, by, requestId, signal } = {}) {
      const graceMs = parseDuration(grace);
      const { record, decided } = await changeLatest(id, { signal }, async (old) => {
        const now = clock.now();
        checkRotatable(old, now);
        await checkGrant(by, old, ownerMay);
        const successor = makeKey(old, by?.id ?? null);
        // Never later than the key's own end: a rotation prolongs nothing.
        const expiresAt = Math.min(now + graceMs, old.expiresAt ?? Number.POSITIVE_INFINITY);
        return { change: { expiresAt, successorId: successor.record.id }, successor };
      });
      const { text, record: successor } = decided.successor;
      const told = { keyId: id, owner: record.owner, by: by?.id ?? null, successorId: successor.id, requestId };
      tellChange({ change: "rotated", ...told });
      return { text, key: infoOf(successor), previous: infoOf(record) };
    },

    async revoke(id, { because, by, requestId, signal } = {}) {
      if (because !== undefined) checkText("reason for its end", because);
      const { record, decided } = await changeLatest(id, { signal }, async ({ revokedAt }) =>
        revokedAt === null ? { change: { revokedAt: clock.now(), revokedBecause: because ?? null } } : undefined,
      );
      const told = { keyId: id, owner: record.owner, by: by?.id ?? null, because, requestId };
      if (decided) tellChange({ change: "revoked", ...told });
      return infoOf(record);
    },
  };
}

/** What is no id is not shown: it may be the key, put in the wrong place. */
function shownId(id: unknown): string {
  return typeof id === "string" && /^[\w-]{1,32}$/.test(id) ? id : "that was given";
}

function checkRotatable({ id, revokedAt, expiresAt, successorId }: KeyRecord, now: number): void {
  const refuse = (state: string): never => {
    throw new ApiKeyError("CONFLICT", `Key ${id} can't be rotated: it ${state}`);
  };
  if (revokedAt !== null) refuse("was revoked");
  if (expiresAt !== null && expiresAt <= now) refuse("has expired");
  if (successorId !== null) refuse(`was rotated already, and ${successorId} is to be rotated now`);
}

function checkFilter({ limit = 1 }: KeyFilter): void {
  if (Number.isInteger(limit) && limit >= 1 && limit <= 1000) return;
  throw new ApiKeyError("INVALID_OPTION", `A list has 1 to 1000 keys, not ${limit}`);
}
