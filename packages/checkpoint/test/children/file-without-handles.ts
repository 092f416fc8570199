// Opens as many files as it may, but for a few, and then asks a store; and again when it has closed them. Prints what became of it as JSON.

import { closeSync, openSync, readdirSync } from "node:fs";
import type { CheckpointError } from "../../src/errors.ts";
import { fileStore } from "../../src/stores/file.ts";

const MOST_FREE = 6;
const [folder = ""] = process.argv.slice(2);
const kept = fileStore({ folder });
const codeOf = ({ code, message }: CheckpointError): { code: string; message: string } => ({ code, message });

/** Open already, so that nothing else needs a file when there is none to be had. */
await kept.save("a", "0", { savedAt: 1 });

function takeAllBut(free: number): () => void {
  const taken: number[] = [];
  try {
    for (;;) taken.push(openSync("/dev/null", "r"));
  } catch {
    for (let left = free; left > 0; left--) closeSync(taken.pop() as number);
  }
  return () => {
    for (const file of taken) closeSync(file);
  };
}

const rounds = [];
for (let free = 0; free <= MOST_FREE; free++) {
  for (const isNew of [false, true]) {
    const giveBack = takeAllBut(free);
    const store = isNew ? fileStore({ folder }) : kept;
    const data = `${free} ${isNew ? "new" : "kept"}`;
    const read = await store.read("a").then(() => "read", codeOf);
    const saved = await store.save("a", data, { savedAt: 1 }).then(() => "saved", codeOf);
    giveBack();
    const stands = (await store.read("a"))?.data;
    if (isNew) await store.close();
    rounds.push({ free, isNew, read, saved, data, stands });
  }
}
const again = (await kept.save("a", "again", { savedAt: 1 })).ok;
await kept.close();
process.stdout.write(JSON.stringify({ rounds, again, left: readdirSync(folder) }));
