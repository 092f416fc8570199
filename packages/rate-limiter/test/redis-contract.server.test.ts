import { serverUrl } from "@holdfast/testing";
import { describe } from "vitest";
import { connectors } from "./redis-clients.ts";
import { keepsTheContract } from "./redis-contract.ts";

describe.each(connectors)("the Redis store keeps the contract on a client of %s: it", (_name, connect) => {
  keepsTheContract(connect, () => serverUrl("redis"));
});
