// Instances with leases on one store that lends, all in one time that a test holds.

import { createManualClock, type ManualClock } from "@holdfast/core";
import { createRateLimiter, type LeaseOptions, type LeasingStore, type RateLimiter, withLeases } from "../src/index.ts";
import { leaseModel } from "./lease-model.ts";

export interface Fleet {
  readonly clock: ManualClock;
  readonly limiters: readonly RateLimiter[];
  readonly asked: () => number;
  consume(node: number, cost?: number): Promise<boolean>;
  crash(node: number): void;
  close(node: number): Promise<void>;
}

/** Instances with leases on one store that lends; a request takes `delayMs` to it and as long back. */
export function makeFleet(
  nodes: number,
  rules: { limit: number; window: number; burst: number },
  options: LeaseOptions,
  delayMs = 0,
): Fleet {
  const clock = createManualClock();
  const model = leaseModel(() => Math.floor(clock.monotonic()));
  let asked = 0;
  const travel = () =>
    delayMs === 0 ? Promise.resolve() : new Promise<void>((resolve) => void clock.schedule(resolve, delayMs));
  const far =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      asked++;
      await travel();
      const answer = await call(...args);
      await travel();
      return answer;
    };
  const store: LeasingStore = { ...model, consume: far(model.consume), lease: far(model.lease) };
  const start = () => {
    const leased = withLeases(store, { ...options, clock });
    return { leased, limiter: createRateLimiter({ rules, store: leased, clock, whenStoreFails: "reject" }) };
  };
  const fleet = Array.from({ length: nodes }, start);
  return {
    clock,
    limiters: fleet.map(({ limiter }) => limiter),
    asked: () => asked,
    consume: async (node, cost = 1) => (await fleet[node]!.limiter.consume("k", { cost })).allowed,
    crash(node) {
      fleet[node] = start();
    },
    async close(node) {
      await fleet[node]!.leased.close();
      fleet[node] = start();
    },
  };
}

/** A limiter on leases of a store that counts how often it was asked for one. */
export function countingLeases(
  options: LeaseOptions,
  rules: string,
): {
  readonly clock: ManualClock;
  readonly limiter: RateLimiter;
  leases(): number;
} {
  const clock = createManualClock();
  const model = leaseModel(() => clock.monotonic());
  let leases = 0;
  const lending: LeasingStore = { ...model, lease: (...call) => model.lease(...call).finally(() => leases++) };
  const store = withLeases(lending, { ...options, clock });
  return { clock, limiter: createRateLimiter({ rules, store, clock }), leases: () => leases };
}
