// Who is calling, and may they: a text against its record. Where the store is in this process and nobody else has to be asked, nothing
// is waited for.

import type { Clock, Logger } from "@holdfast/core";
import { type Digests, isForeignText, sha256 } from "./digest.ts";
import { type KeyHooks, type RefusalReason, type RequestFacts, tell } from "./events.ts";
import { createFailures, type FailureLimiter } from "./failures.ts";
import type { KeyFormat, ParsedKey } from "./key-format.ts";
import { infoOf, type KeyInfo } from "./key-info.ts";
import type { KeyRecord, KeyStore } from "./key-store.ts";
import type { ApiKeys } from "./keys.ts";
import type { OwnerMay } from "./new-key.ts";
import { createProved } from "./proved.ts";
import { allowsValues, covers } from "./scopes.ts";
import type { Ask, Refusal, Verification, VerifyCall } from "./verification.ts";

type Verifier = Pick<ApiKeys, "verify" | "authorise" | "refuse" | "identify">;

interface VerifierOptions {
  readonly store: KeyStore;
  readonly format: KeyFormat;
  /** Those that keys are accepted of. */
  readonly environments: readonly string[];
  readonly digests: Digests;
  readonly clock: Clock;
  readonly on: KeyHooks;
  readonly logger: Logger;
  readonly ownerMay: OwnerMay | undefined;
  readonly failures: FailureLimiter | undefined;
  readonly used: (record: KeyRecord, text: string, now: number) => void;
}

type Eventually<T> = T | Promise<T>;

const NOTHING_MORE: VerifyCall = {};

export function createVerifier(options: VerifierOptions): Verifier {
  const { store, format, environments, digests, clock, on, ownerMay, used } = options;
  const failures = options.failures && createFailures(options.failures, options.logger);
  const proved = createProved(digests);

  function verifyNow(text: string | undefined, call: VerifyCall): Eventually<Verification> {
    call.signal?.throwIfAborted();
    if (text === undefined || text === "") return refuse("missing", call.facts);
    const parsed = format.parse(text);
    if (failures === undefined || (parsed !== undefined && proved.has(parsed.id, text)))
      return lookUp(text, parsed, call);
    return failures
      .shutOutMs(call.facts?.address, parsed?.id, call.signal)
      .then((retryAfterMs) =>
        retryAfterMs > 0 ? refuse("throttled", call.facts, parsed?.id, retryAfterMs) : lookUp(text, parsed, call),
      );
  }

  function lookUp(text: string, parsed: ParsedKey | undefined, call: VerifyCall): Eventually<Verification> {
    if (parsed === undefined) {
      if (store.findForeign === undefined || !isForeignText(text)) return fail("malformed", undefined, call);
      return judge(text, undefined, store.findForeign(sha256(text)), call);
    }
    const { environment, id } = parsed;
    if (!environments.includes(environment)) return fail("wrong-environment", id, call);
    if (store.findSync) return judge(text, id, store.findSync(id), call);
    return store.find(id, call).then((record) => judge(text, id, record, call));
  }

  function judge(
    text: string,
    id: string | undefined,
    record: KeyRecord | undefined,
    call: VerifyCall,
  ): Eventually<Verification> {
    const now = clock.now();
    // First and always: what comes after it costs nothing that could be measured.
    const matches = digests.matches(text, record);
    if (record === undefined) return fail("unknown", id, call);
    if (!matches) return fail("wrong-secret", record.id, call);
    const hasExpired = record.expiresAt !== null && record.expiresAt <= now;
    if (record.revokedAt !== null || hasExpired) {
      proved.remove(record.id);
      return fail(record.revokedAt !== null ? "revoked" : "expired", record.id, call);
    }
    if (failures !== undefined) proved.add(record);
    used(record, text, now);
    return authoriseNow(infoOf(record), call);
  }

  function authoriseNow(key: KeyInfo, { scope, limits, facts }: Ask): Eventually<Verification> {
    if (limits !== undefined && !allowsValues(key.limits, limits)) return lacking("outside-limits", key, scope, facts);
    if (scope === undefined) return accept(key, scope, facts);
    if (!covers(key.scopes, scope)) return lacking("missing-scope", key, scope, facts);
    const may = ownerMay === undefined || ownerMay(key.owner, scope);
    const conclude = (allowed: boolean): Verification =>
      allowed === true ? accept(key, scope, facts) : lacking("missing-scope", key, scope, facts);
    return typeof may === "boolean" ? conclude(may) : may.then(conclude);
  }

  function accept(key: KeyInfo, scope: string | undefined, facts: RequestFacts | undefined): Verification {
    tell(on, "used", () => ({ ...facts, keyId: key.id, owner: key.owner, scope }));
    return { ok: true, key };
  }

  /** A refusal of a good key. */
  function lacking(
    reason: RefusalReason,
    { id: keyId }: KeyInfo,
    scope: string | undefined,
    facts: RequestFacts | undefined,
  ): Refusal {
    tell(on, "refused", () => ({ ...facts, reason, keyId, scope }));
    return { ok: false, reason, keyId };
  }

  /** A refusal that counts against address and key. */
  function fail(reason: RefusalReason, keyId: string | undefined, { facts }: VerifyCall): Refusal {
    failures?.count(facts?.address, keyId);
    return refuse(reason, facts, keyId);
  }

  function refuse(
    reason: RefusalReason,
    facts: RequestFacts | undefined,
    keyId?: string | undefined,
    retryAfterMs?: number,
  ): Refusal {
    tell(on, "refused", () => ({ ...facts, reason, keyId }));
    return { ok: false, reason, keyId, retryAfterMs };
  }

  return {
    // A promise that is made at once where there is nothing to wait for: half the price of an async function.
    verify(text, call = NOTHING_MORE) {
      try {
        return Promise.resolve(verifyNow(text, call));
      } catch (error) {
        return Promise.reject(error);
      }
    },
    authorise: async (key, ask) => authoriseNow(key, ask),
    refuse: (reason, facts) => refuse(reason, facts),
    async identify(text, call) {
      const parsed = format.parse(text);
      if (parsed === undefined && (store.findForeign === undefined || !isForeignText(text))) return undefined;
      const record = parsed ? await store.find(parsed.id, { ...call, fresh: true }) : store.findForeign?.(sha256(text));
      return digests.matches(text, record) && record ? infoOf(record) : undefined;
    },
  };
}
