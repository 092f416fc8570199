// The contract of token-store.ts as a suite: for our stores and for anyone's own.

export type { MakeTokenStore, TokenStoreUnderTest } from "./contracts/harness.ts";
export { tokenStoreContract } from "./contracts/token-store.ts";
