// Stands between the code under test and the disk: node:fs with some of its functions replaced.

import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

export type DiskCalls = Pick<
  typeof fs,
  "closeSync" | "fsync" | "fsyncSync" | "linkSync" | "openSync" | "rename" | "renameSync" | "unlinkSync" | "writeSync"
>;
type Call = (...args: unknown[]) => unknown;

/** Each call of these goes to `replacement`, with the call itself as its first argument. Returns what puts all back. */
export function replaceDiskCalls(
  names: readonly (keyof DiskCalls)[],
  replacement: (call: () => unknown, name: keyof DiskCalls, args: readonly unknown[]) => unknown,
): () => void {
  const calls = fs as unknown as Record<keyof DiskCalls, Call>;
  const originals = names.map((name) => [name, calls[name]] as const);
  let isInside = false;
  for (const [name, original] of originals) {
    calls[name] = (...args) => {
      if (isInside) return original(...args);
      isInside = true;
      try {
        return replacement(() => original(...args), name, args);
      } finally {
        isInside = false;
      }
    };
  }
  syncBuiltinESMExports();
  return () => {
    for (const [name, original] of originals) calls[name] = original;
    syncBuiltinESMExports();
  };
}
