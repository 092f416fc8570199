// Saves without end, each time under the version that it has seen, and prints what was acknowledged.

import { writeSync } from "node:fs";
import { fileStore } from "../../src/stores/file.ts";

const [folder = "", name = "", bytes = ""] = process.argv.slice(2);
const store = fileStore({ folder, lockTimeout: "60s" });
for (;;) {
  const { version = 0 } = (await store.read("a")) ?? {};
  const data = `${version + 1} ${name} `.padEnd(Number(bytes), ".");
  const { ok } = await store.save("a", data, { savedAt: 1, ifVersion: version, keep: version % 4 });
  if (ok) writeSync(1, `${version + 1}\n`);
}
