// What a limiter answers while its store is slow or gone: within a deadline once, and at once from then on.

import { type Clock, type Duration, systemClock } from "@holdfast/core";
import { durationOption } from "./duration-option.ts";
import { RateLimiterError } from "./errors.ts";
import type { Rule, RuleSet } from "./rule.ts";
import {
  askMany,
  type FailureMode,
  type RateLimitStore,
  type StoreCall,
  type StoreCallOptions,
  type StoreFailure,
  type StoreReading,
} from "./store.ts";
import { memoryStore } from "./stores/memory.ts";

export interface StoreFailureOptions {
  /**
   * - `fallback` (default): a local limiter decides, with this instance's share of every rule
   * - `open`: every call passes
   * - `closed`: no call passes
   */
  readonly mode?: FailureMode | undefined;
  /** How long one call may wait for the store. Default 200 ms. */
  readonly deadline?: Duration | undefined;
  /** `fallback`: how many instances share the limit; each takes that part of it, and at least one token. Default 1. */
  readonly instances?: number | undefined;
}

/** How the store is, told when it changes. */
export interface StoreEvent {
  readonly limiter: string;
  /** `down`: a call failed, and the store is not asked again until a probe of its own has an answer. `up`: it had. */
  readonly state: "down" | "up";
  readonly reason?: StoreFailure;
  readonly error?: unknown;
}

// The store is asked again this soon after it failed, then twice as late each time up to a bound, so that it is back within a
// second.
const FIRST_PROBE_MS = 50;
const LONGEST_GAP_MS = 900;

/**
 * A store that answers in the place of one that fails, each such reading marked `degraded`. The first call that fails or is out of
 * time opens the circuit: after it the store is left alone, but for one probe at a time that no request waits for. Nothing can
 * stand in for calls that manage a key (refund, reset, block, unblock): they reject, as soon.
 *
 * @throws RateLimiterError `INVALID_OPTION`
 */
export function withStoreFailure(
  store: RateLimitStore,
  options: StoreFailureOptions,
  tell: (event: Omit<StoreEvent, "limiter">) => void,
  clock: Clock = systemClock,
): RateLimitStore {
  const { mode = "fallback", instances = 1 } = options;
  const deadlineMs = durationOption("deadline", options.deadline ?? 200, 1, Number.POSITIVE_INFINITY);
  if (!Number.isInteger(instances) || instances < 1) {
    throw new RateLimiterError("INVALID_OPTION", `instances is ${instances}; give a whole number >= 1`);
  }
  // A probe that hangs takes the deadline.
  const longestProbeMs = Math.max(FIRST_PROBE_MS, LONGEST_GAP_MS - deadlineMs);
  const local = memoryStore({ clock });
  const shares = new WeakMap<RuleSet, RuleSet>();
  let open = false;
  let isClosed = false;
  let cancelProbe: (() => void) | undefined;

  const shareOf = (rules: RuleSet): RuleSet => {
    const known = shares.get(rules) ?? share(rules, instances);
    shares.set(rules, known);
    return known;
  };

  function substitute(rules: RuleSet, key: string, cost: number, reason: StoreFailure): StoreReading {
    if (mode === "fallback") {
      const part = shareOf(rules);
      const reading = local.consumeSync(part, key, cost);
      return { ...reading, used: [...reading.used], degraded: { reason, mode, rules: part } };
    }
    const used = rules.rules.map((rule) => (mode === "open" ? 0 : rule.capacityUnits));
    return { outcome: mode === "open" ? "passed" : "refused", used, blockedMs: 0, degraded: { reason, mode, rules } };
  }

  function trip(reason: StoreFailure, error: unknown, rules: RuleSet): void {
    if (open || isClosed) return;
    open = true;
    tell({ state: "down", reason, error });
    probe(rules, FIRST_PROBE_MS);
  }

  function probe(rules: RuleSet, delayMs: number): void {
    cancelProbe = clock.schedule(
      async () => {
        // Takes nothing, but writes: a store that can only be read is of no use to the calls that wait for it.
        const answer = await inTime(() => store.consume(rules, "probe", 0));
        if (isClosed) return;
        if ("value" in answer) {
          open = false;
          tell({ state: "up" });
        } else {
          probe(rules, Math.min(2 * delayMs, longestProbeMs));
        }
      },
      delayMs,
      { keepAlive: false },
    );
  }

  /** The answer, or why there is none within the deadline. */
  function inTime<T>(ask: () => Promise<T>): Promise<{ value: T } | { reason: StoreFailure; error?: unknown }> {
    return new Promise((resolve) => {
      let settled = false;
      const settle = (answer: { value: T } | { reason: StoreFailure; error?: unknown }): void => {
        if (settled) return;
        settled = true;
        cancel();
        resolve(answer);
      };
      // An answer may lie in the socket of a process that was itself late: timers run before sockets are read, so wait one turn more.
      const cancel = clock.schedule(() => setImmediate(() => settle({ reason: "timeout" })), deadlineMs, {
        keepAlive: false,
      });
      ask().then(
        (value) => settle({ value }),
        (error: unknown) => settle({ reason: "error", error }),
      );
    });
  }

  async function decide(
    ask: () => Promise<StoreReading>,
    rules: RuleSet,
    key: string,
    cost: number,
    call: StoreCallOptions | undefined,
  ): Promise<StoreReading> {
    call?.signal?.throwIfAborted();
    if (open) return substitute(rules, key, cost, "circuit-open");
    const answer = await inTime(ask);
    if ("value" in answer) return answer.value;
    call?.signal?.throwIfAborted();
    trip(answer.reason, answer.error, rules);
    return substitute(rules, key, cost, answer.reason);
  }

  async function manage(ask: () => Promise<void>, call: StoreCallOptions | undefined): Promise<void> {
    call?.signal?.throwIfAborted();
    const answer = open ? { reason: "circuit-open" as const } : await inTime(ask);
    if ("value" in answer) return;
    if (answer.reason === "error") throw answer.error;
    const why = open ? "has failed and is being probed" : `has not answered within ${deadlineMs} ms`;
    throw new RateLimiterError("STORE_UNAVAILABLE", `the limiter's store ${why}; try again in a second`);
  }

  async function consumeMany(calls: readonly StoreCall[], call?: StoreCallOptions): Promise<readonly StoreReading[]> {
    call?.signal?.throwIfAborted();
    const [first] = calls;
    if (!first) return [];
    const substitutes = (reason: StoreFailure): StoreReading[] =>
      calls.map(({ rules, key, cost }) => substitute(rules, key, cost, reason));
    if (open) return substitutes("circuit-open");
    const answer = await inTime(() => askMany(store, calls, call));
    if ("value" in answer) return answer.value;
    call?.signal?.throwIfAborted();
    trip(answer.reason, answer.error, first.rules);
    return substitutes(answer.reason);
  }

  return {
    consume: (rules, key, cost, call) => decide(() => store.consume(rules, key, cost, call), rules, key, cost, call),
    consumeMany,
    ...(store.consumeLocally && { consumeLocally: store.consumeLocally.bind(store) }),
    peek: (rules, key, call) => decide(() => store.peek(rules, key, call), rules, key, 0, call),
    refund: (rules, key, cost, call) => manage(() => store.refund(rules, key, cost, call), call),
    reset: (rules, key, call) => manage(() => store.reset(rules, key, call), call),
    block: (rules, key, blockMs, call) => manage(() => store.block(rules, key, blockMs, call), call),
    unblock: (rules, key, call) => manage(() => store.unblock(rules, key, call), call),
    // The store itself is its owner's to close.
    async close() {
      isClosed = true;
      cancelProbe?.();
      await local.close();
    },
  };
}

/** A rule's part for one of `instances`: units stay, tokens weigh more, so that no rate is rounded. */
function share(rules: RuleSet, instances: number): RuleSet {
  const parts = rules.rules.map((rule): Rule => {
    const tokenUnits = rule.tokenUnits * instances;
    const burst = Math.max(1, Math.floor(rule.burst / instances));
    return { ...rule, burst, tokenUnits, capacityUnits: Math.max(rule.capacityUnits, tokenUnits) };
  });
  return { ...rules, rules: parts, smallestBurst: Math.min(...parts.map((rule) => rule.burst)) };
}
