// The contract of key-store.ts as a suite: for our stores and for anyone's own.

export type { KeyStoreUnderTest, MakeKeyStore } from "./contracts/harness.ts";
export { keyStoreContract } from "./contracts/key-store.ts";
