// One runner a key: a lease that is had, kept and given back. Whether another's is over is judged by a beat that stands still on our own
// clock, and never by comparing two machines' clocks.

import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { type Clock, sleep } from "@holdfast/core";
import type { CheckpointStore, Entry, StoreCall } from "./checkpoint-store.ts";
import { CheckpointError } from "./errors.ts";
import { following } from "./following.ts";
import { shown } from "./stored-value.ts";

/** What a runner has while it works. Saves under it are refused once another has been granted the key. */
export interface Lease {
  readonly key: string;
  readonly fence: number;
  /** For people: host, process, and a word by chance. */
  readonly holder: string;
  /** Aborts with `LEASE_LOST` when the lease is another's, or may be; and with the caller's own reason. */
  readonly signal: AbortSignal;
}

export interface LeaseOptions {
  readonly store: CheckpointStore;
  readonly clock: Clock;
  readonly ttlMs: number;
  /** How long to wait for another to end. */
  readonly waitMs: number;
  readonly signal: AbortSignal | undefined;
  readonly tell: (change: "granted" | "lost" | "released", fence: number, holder: string) => void;
}

/** Of its time, a lease is renewed at each third; one that fails is tried again at each twelfth. */
const RENEWALS = 3;
const RETRIES = 12;
/** And looked at by those who wait for it. */
const LOOKS = 4;

/**
 * @throws CheckpointError `LEASE_HELD`: another has it, and the wait is over; `LEASE_LOST` is the reason of the lease's signal.
 */
export async function withLease<T>(key: string, run: (lease: Lease) => Promise<T>, options: LeaseOptions): Promise<T> {
  const { store, clock, ttlMs, signal, tell } = options;
  const holder = `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)};ttl=${ttlMs}`;
  // From before the request: others count from after they saw what it wrote.
  const { fence, since } = await acquire(key, holder, options);
  tell("granted", fence, holder);
  const { controller: lost, release: unfollow } = following(signal);
  let isAnothers = false;
  const stopRenewing = keepUp(key, { fence, holder, since }, options, (why) => {
    isAnothers = why === "another's";
    tell("lost", fence, holder);
    lost.abort(
      new CheckpointError("LEASE_LOST", `The lease of ${shown(key)} is another's, or could not be renewed in its time`),
    );
  });
  try {
    return await run({ key, fence, holder, signal: lost.signal });
  } finally {
    unfollow();
    await stopRenewing();
    // Who can't give it back, or not in its time, leaves it to that.
    if (!isAnothers) {
      const freed = await upTo(ttlMs, clock, [], (call) => store.release(key, fence, call)).catch(() => undefined);
      if (freed?.ok) tell("released", fence, holder);
    }
  }
}

async function acquire(key: string, holder: string, { store, clock, ttlMs, waitMs, signal }: LeaseOptions) {
  const startedAt = clock.monotonic();
  const signals = signal ? [signal] : [];
  /** The store may hang; and in one with transactions, the holder's may lock the entry for as long as the holder sleeps. */
  const patience = (): number => Math.max(ttlMs, startedAt + waitMs - clock.monotonic());
  let seen: Entry | undefined;
  let seenAt = startedAt;
  for (;;) {
    const entry = await upTo(patience(), clock, signals, (call) => store.read(key, call));
    const now = clock.monotonic();
    if (entry?.fence !== seen?.fence || entry?.beat !== seen?.beat) seenAt = now;
    seen = entry;
    const overAt = entry?.holder == null ? now : seenAt + Math.max(ttlMs, ttlOf(entry.holder));
    if (now >= overAt) {
      const since = clock.monotonic();
      const { ok, entry: next } = await upTo(patience(), clock, signals, (call) =>
        store.grant(key, holder, entry, call),
      );
      // A client that repeats what it lost the answer of is refused for its own grant.
      if (next !== undefined && (ok || next.holder === holder)) return { fence: next.fence, since };
      // Somebody was quicker, and is looked at anew.
      continue;
    }
    if (now - startedAt >= waitMs) {
      throw new CheckpointError(
        "LEASE_HELD",
        `${shown(key)} is leased by ${entry?.holder}; wait longer, or leave it to them`,
      );
    }
    await sleep(Math.min(ttlMs / LOOKS, overAt - now, startedAt + waitMs - now), { clock, signal });
  }
}

/** A call of the store that is given up after so long, or when a signal aborts. What was sent may still be done. */
async function upTo<T>(
  ms: number,
  clock: Clock,
  signals: readonly AbortSignal[],
  ask: (call: StoreCall) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const giveUp = (): void => {
    late.abort(new CheckpointError("BUSY", `The store has not answered for ${ms} ms, or a transaction is in its way`));
  };
  const cancel = ms === Number.POSITIVE_INFINITY ? () => {} : clock.schedule(giveUp, ms, { keepAlive: false });
  try {
    return await ask({ signal: AbortSignal.any([...signals, late.signal]) });
  } finally {
    cancel();
  }
}

/** Of the lease that a holder has: it may have been given more time than ours would be. */
function ttlOf(holder: string): number {
  return Number(/;ttl=(\d{1,12})$/.exec(holder)?.[1] ?? 0);
}

/** Made once: each error made anew would keep all that its stack has seen for as long as the signal is remembered. */
const OVER = new Error("The work under the lease is over");

/** Renews until it is told to stop, or can't any more. Resolves when nothing of it is under way. */
function keepUp(
  key: string,
  { fence, holder, since }: { readonly fence: number; readonly holder: string; readonly since: number },
  { store, clock, ttlMs }: LeaseOptions,
  onLost: (why: "late" | "another's") => void,
): () => Promise<void> {
  const stop = new AbortController();
  const isStopped = (): boolean => stop.signal.aborted;
  const work = async (): Promise<void> => {
    let goodUntil = since + ttlMs;
    let pauseMs = ttlMs / RENEWALS;
    while (!isStopped()) {
      const now = clock.monotonic();
      if (now >= goodUntil) return onLost("late");
      await sleep(Math.min(pauseMs, goodUntil - now), { clock, signal: stop.signal, keepAlive: false });
      const asked = clock.monotonic();
      // A process that slept through its time must not go on as if it had not.
      if (asked >= goodUntil) return onLost("late");
      const outcome = await upTo(goodUntil - asked, clock, [stop.signal], (call) =>
        store.renew(key, fence, call),
      ).catch(() => undefined);
      pauseMs = ttlMs / (outcome ? RENEWALS : RETRIES);
      // A failover that took the grant back may have given another the same fence.
      if (outcome?.ok && outcome.entry.holder === holder) goodUntil = asked + ttlMs;
      else if (outcome !== undefined && !isStopped()) return onLost("another's");
    }
  };
  const working = work().catch((error: unknown) => {
    if (!isStopped()) throw error;
  });
  return async () => {
    stop.abort(OVER);
    await working;
  };
}
