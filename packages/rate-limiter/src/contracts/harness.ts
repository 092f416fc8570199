// What the suites share: a store under test, its clock, and how readings are compared.

import type { RuleSet } from "../rule.ts";
import type { RateLimitStore, StoreReading } from "../store.ts";
import { remainingTokens } from "../token-bucket.ts";

export interface StoreUnderTest<Store extends RateLimitStore = RateLimitStore> {
  /** Empty, and told to read its time from the clock that `setClock` sets. */
  readonly store: Store;
  /** Sets the store's time in milliseconds, also to an earlier one. Starts at any value up to 1 000 000. */
  setClock(ms: number): void;
  /** Called when the test is over. */
  close(): Promise<void>;
}

export type MakeStore<Store extends RateLimitStore = RateLimitStore> = () => Promise<StoreUnderTest<Store>>;

export const START = 1_000_000;

/** A test on a fresh store that is closed after it. */
export function contract<Store extends RateLimitStore>(
  test: (under: StoreUnderTest<Store>) => Promise<void>,
): (make: MakeStore<Store>) => Promise<void> {
  return async (make) => {
    const under = await make();
    try {
      under.setClock(START);
      await test(under);
    } finally {
      await under.close();
    }
  };
}

/** The outcome, then the whole tokens left of each rule. */
export function left(rules: RuleSet, { outcome, used }: StoreReading): (string | number)[] {
  return [outcome, ...rules.rules.map((rule, index) => remainingTokens(rule, used[index] ?? Number.NaN))];
}
