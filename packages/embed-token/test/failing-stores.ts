// Stores that do not do what they should, and a logger that keeps quiet.

import type { Logger } from "@holdfast/core";
import type { RevocationStore } from "../src/index.ts";

const quiet = (): void => {};
export const silent: Logger = { trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet };

export const failingRevocations: RevocationStore = {
  revoke: async () => {
    throw new Error("connection refused");
  },
  revocations: async () => {
    throw new Error("connection refused");
  },
  close: async () => {},
};
