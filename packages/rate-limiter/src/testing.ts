// The contracts of store.ts as suites: for our stores and for anyone's own.

export type { MakeStore, StoreUnderTest } from "./contracts/harness.ts";
export { leasingStoreContract } from "./contracts/leasing.ts";
export { rateLimitStoreContract } from "./contracts/store.ts";
