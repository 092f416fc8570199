// Many writers of one key in S3, each with a client of its own, through servers that lose answers and have other writes under way.

import { join } from "node:path";
import { runToEnd, type S3Deed } from "@holdfast/testing";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { CheckpointError, createCheckpoints } from "../src/index.ts";
import type { S3Store } from "../src/stores/s3.ts";
import { BUCKET, type Bucket, newBucket } from "./s3-builders.ts";

vi.setConfig({ testTimeout: 120_000 });

const VERSIONS = 8;
const misdeeds: fc.Arbitrary<S3Deed> = fc.constantFrom<S3Deed>(
  "obey",
  "lose the answer",
  { status: 409, code: "ConditionalRequestConflict" },
  { status: 503, code: "SlowDown" },
);

/** Of each version, who was told to have saved it. */
async function race(bucket: Bucket, writers: readonly S3Store[]): Promise<ReadonlyMap<number, readonly string[]>> {
  const winners = new Map<number, string[]>();
  await Promise.all(
    writers.map(async (store, writer) => {
      for (let turn = 0; ; turn++) {
        try {
          const { version = 0 } = (await store.read("a")) ?? {};
          if (version >= VERSIONS) return;
          const data = `${writer}.${turn}`;
          const { ok, entry } = await store.save("a", data, { savedAt: 1, ifVersion: version });
          if (ok) winners.set(entry.version, [...(winners.get(entry.version) ?? []), data]);
        } catch (error) {
          // 503, or an answer that was lost also in the second attempt.
          if (!(error instanceof CheckpointError && error.code === "STORE_FAILED")) throw error;
        }
      }
    }),
  );
  const kept = await bucket.newStore().versions("a");
  expect(kept).toMatchObject([{ version: VERSIONS }]);
  return winners;
}

describe.each([2, 8])("%i writers of one version after the other", (count) => {
  it("each have the version that they are told they saved, and no other has it", async () => {
    const property = fc.asyncProperty(fc.array(misdeeds, { maxLength: 30 }), async (deeds) => {
      await using bucket = await newBucket();
      const left = [...deeds];
      bucket.deed = ({ method }) => (method === "PUT" ? left.shift() : undefined) ?? "obey";
      const writers = Array.from({ length: count }, (_, writer) =>
        bucket.newStore({}, { maxAttempts: 1 + (writer % 2) }),
      );
      const winners = await race(bucket, writers);
      expect([...winners.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: VERSIONS }, (_, i) => i + 1));
      for (const [version, of] of winners) expect(of, `of version ${version}`).toHaveLength(1);
    });
    await fc.assert(property, { numRuns: 10 });
  });
});

describe("a lease in S3", () => {
  it("is one client's at a time, and nothing of what they count under it is lost", async () => {
    await using bucket = await newBucket();
    let inside = 0;
    const count = async (): Promise<void> => {
      const checkpoints = createCheckpoints<number>({ store: bucket.newStore() });
      for (let done = 0; done < 10; ) {
        try {
          await checkpoints.withLease(
            "a",
            async (lease) => {
              expect(++inside).toBe(1);
              const at = await checkpoints.load("a");
              await checkpoints.save("a", (at?.value ?? 0) + 1, { lease });
              inside--;
              done++;
            },
            { ttl: "60s", wait: 0 },
          );
        } catch (error) {
          if (!(error instanceof CheckpointError && error.code === "LEASE_HELD")) throw error;
        }
      }
    };
    await Promise.all([count(), count(), count()]);
    const checkpoints = createCheckpoints<number>({ store: bucket.newStore() });
    expect(await checkpoints.load("a")).toMatchObject({ value: 30, version: 30 });
    expect((await bucket.newStore().read("a"))?.fence).toBe(30);
  });

  it("is one process's at a time", async () => {
    await using bucket = await newBucket();
    const child = join(import.meta.dirname, "children", "s3-counter.ts");
    const args = [bucket.url, BUCKET, "20"];
    await Promise.all([runToEnd(child, { args }), runToEnd(child, { args })]);
    const counted = await bucket.newStore({ prefix: "" }).read("a");
    expect(counted).toMatchObject({ data: "40", version: 40, fence: 40, holder: null });
  });

  it("refuses the save of a holder that was taken for gone", async () => {
    await using bucket = await newBucket();
    const [store, other] = [bucket.newStore(), bucket.newStore()];
    const { entry, ok } = await store.grant("a", "me", undefined);
    expect(ok).toBe(true);
    // Its save is under way when the lease is granted to another.
    bucket.deed = async ({ method }): Promise<S3Deed> => {
      if (method !== "PUT") return "obey";
      bucket.deed = () => "obey";
      expect((await other.grant("a", "you", entry)).ok).toBe(true);
      return "obey";
    };
    const late = await store.save("a", "stale", { savedAt: 1, fence: entry?.fence });
    expect(late).toMatchObject({ ok: false, entry: { fence: 2, holder: "you", version: 0 } });
  });
});
