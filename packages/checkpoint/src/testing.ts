// For whoever writes a store: the contract as a suite.

export { checkpointStoreContract, type MakeStore, type StoreUnderTest } from "./contracts/checkpoint-store.ts";
