// What is known of each origin, shared by all calls to it: no more of it than the policy uses.

import { tell } from "../events.ts";
import { type Breaker, createBreaker } from "../policy/breaker.ts";
import { createRetryBudget, type RetryBudget } from "../policy/budget.ts";
import { createSlots, type Slots } from "../policy/concurrency.ts";
import type { Latencies } from "../policy/latencies.ts";
import { createPace, type Pace } from "../policy/pace.ts";
import type { Policy } from "../policy/policy.ts";

export interface OriginState {
  readonly origin: string;
  readonly budget: RetryBudget | undefined;
  readonly breaker: Breaker | undefined;
  readonly slots: Slots | undefined;
  readonly pace: Pace | undefined;
  /** Made when the first call asks for them. */
  latencies: Latencies | undefined;
  /** Calls under way. */
  calls: number;
}

export interface Origins {
  originOf(origin: string | URL | undefined): OriginState;
}

// A client that follows links meets new origins for ever.
const MOST_ORIGINS = 1000;

export function createOrigins(policy: Policy): Origins {
  // In the order of use, apart from the last one, which is looked up time and again.
  const known = new Map<string, OriginState>();
  let last: OriginState | undefined;

  /** Forgets the one that has gone unused for longest. One with a call under way is in use. */
  function makeRoom(): void {
    let left = known.size;
    for (const [name, state] of known) {
      known.delete(name);
      if (state.calls === 0) return;
      known.set(name, state);
      // All of them are in use.
      if (--left === 0) return;
    }
  }

  return {
    originOf(origin) {
      const name = typeof origin === "string" ? origin : (origin?.origin ?? "");
      if (last?.origin === name) return last;
      last = known.get(name);
      if (last !== undefined) known.delete(name);
      else {
        if (known.size >= MOST_ORIGINS) makeRoom();
        last = createOrigin(name, policy);
      }
      known.set(name, last);
      return last;
    },
  };
}

function createOrigin(origin: string, policy: Policy): OriginState {
  const { budget, breaker, concurrency, pace, on } = policy;
  return {
    origin,
    budget: budget && createRetryBudget(budget),
    breaker:
      breaker && createBreaker({ ...breaker, onChange: (state) => tell(on, "breaker", () => ({ origin, state })) }),
    slots: concurrency && createSlots(concurrency),
    pace: pace ? createPace() : undefined,
    latencies: undefined,
    calls: 0,
  };
}
