// Saves, then does so again after each shell command that it is given. Prints, as a line of JSON each, what became of it and what can be read.

import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import type { CheckpointError } from "../../src/errors.ts";
import { fileStore } from "../../src/stores/file.ts";

const [folder = "", bytes = "", ...commands] = process.argv.slice(2);
for (const [index, command] of ["true", ...commands].entries()) {
  execFileSync("sh", ["-c", command], { cwd: folder });
  const store = fileStore({ folder: `${folder}/checkpoints` });
  const read = async () => (await store.read("a"))?.data?.[0];
  const saved = await store.save("a", String(index).repeat(Number(bytes)), { savedAt: 1 }).then(
    () => "saved",
    ({ code, message }: CheckpointError) => ({ code, message }),
  );
  const stands = await read().catch(({ code }: CheckpointError) => code);
  const drafts = readdirSync(`${folder}/checkpoints`).filter((name) => /tmp|lock/.test(name));
  await store.close();
  process.stdout.write(`${JSON.stringify({ saved, stands, drafts })}\n`);
}
