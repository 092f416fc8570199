import { describe, expect, it } from "vitest";
import { createRateLimiter, type MemoryStoreOptions, memoryStore } from "../src/index.ts";

const MILLION = 1_000_000;
// A million calls take a second, and on a busy machine as many as it has other things to do.
const BUSY = { timeout: 60_000 };

describe("a flood of a million new keys", () => {
  it.each<Required<Pick<MemoryStoreOptions, "whenFull">>>([
    { whenFull: "share" },
    { whenFull: "refuse" },
    { whenFull: "allow" },
  ])("frees nobody who was blocked or refused, and takes no more memory than it may: %j", BUSY, async (options) => {
    const store = memoryStore(options);
    const penalty = { refusals: 3, within: "1h", block: "1h" };
    const limiter = createRateLimiter({ rules: "5/day", penalty, store });
    const spend = (key: string, calls: number): string[] =>
      Array.from({ length: calls }, () => limiter.consumeSync(key).outcome);
    expect(spend("by penalty", 8).at(-1)).toBe("blocked");
    expect(spend("refused", 6).at(-1)).toBe("refused");
    await limiter.block("by hand", "1h");

    for (let index = 0; index < MILLION; index++) limiter.consumeSync(`flood ${index}`);

    expect(limiter.consumeSync("by penalty").outcome).toBe("blocked");
    expect(limiter.consumeSync("by hand").outcome).toBe("blocked");
    expect(limiter.consumeSync("refused").outcome).toBe("refused");
    const { keys, bytes } = store.stats();
    expect(keys).toBe(500_000);
    // Buckets, and strikes of no more keys than those.
    expect(bytes / keys).toBeLessThan(2 * 48);
  });
});
