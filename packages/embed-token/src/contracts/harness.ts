// What the suite works with: a store under test.

import type { TokenStore } from "../token-store.ts";

export interface TokenStoreUnderTest {
  /** Empty. */
  readonly store: TokenStore;
  /** Called when the test is over. */
  close(): Promise<void>;
}

export type MakeTokenStore = () => Promise<TokenStoreUnderTest>;

/** A test on a fresh store that is closed after it. */
export function contract(test: (store: TokenStore) => Promise<void>): (make: MakeTokenStore) => Promise<void> {
  return async (make) => {
    const under = await make();
    try {
      await test(under.store);
    } finally {
      await under.close();
    }
  };
}
