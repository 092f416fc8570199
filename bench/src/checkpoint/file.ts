// Saves into files, beside the bare sequence of calls that makes one durable, beside a peer that leaves out the last of them, and many at once.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCheckpoints } from "@holdfast/checkpoint";
import { fileStore } from "@holdfast/checkpoint/file";
import writeFileAtomic from "write-file-atomic";
import type { Row } from "../harness.ts";
import { type AsyncSide, beside, roundsOneByOne } from "../rate-limiter/in-flight.ts";
import { rowOf } from "../rate-limiter/row.ts";
import { replaceBare, replaceBareSync } from "./bare-files.ts";
import { streamsRow } from "./streams.ts";
import { nextCursor } from "./value.ts";

const ATOMIC = "write-file-atomic";
const ROUNDS = { calls: 25, rounds: 61 };

export async function fileRows(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-bench-"));
  const store = fileStore({ folder: join(folder, "ours") });
  try {
    const checkpoints = createCheckpoints({ store });
    const text = (): string => JSON.stringify(nextCursor());
    const [bare, atomic] = [join(folder, "bare"), join(folder, "atomic")];
    return [
      ...(await rows("save", "the bare calls", "of node:fs/promises", {
        ours: () => checkpoints.save("stream", nextCursor()),
        "the bare calls": () => replaceBare(bare, text()),
        [ATOMIC]: () => writeFileAtomic(atomic, text()),
      })),
      ...(await rows("saveSync", "the bare sync calls", "of node:fs", {
        ours: async () => checkpoints.saveSync("stream", nextCursor()),
        "the bare sync calls": async () => replaceBareSync(bare, text()),
        [ATOMIC]: async () => writeFileAtomic.sync(atomic, text()),
      })),
      await streamsRow("file", checkpoints),
    ];
  } finally {
    await store.close();
    rmSync(folder, { recursive: true });
  }
}

async function rows(
  call: string,
  bare: string,
  version: string,
  sides: Readonly<Record<string, AsyncSide>>,
): Promise<Row[]> {
  const comparison = beside(await roundsOneByOne(sides, ROUNDS), "ours", [bare, ATOMIC]);
  const name = `file, ${call}`;
  return [
    rowOf(comparison, bare, { name, unit: "saves/s", better: "higher", goal: { of: "ratio", atLeast: 0.9 } }, version),
    rowOf(comparison, ATOMIC, { name, unit: "saves/s", better: "higher", goal: { of: "ratio", atLeast: 1 } }),
  ];
}
