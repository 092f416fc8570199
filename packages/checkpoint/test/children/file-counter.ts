// Adds one to a number as often as it is told to, each time under the version that it has seen.

import { fileStore } from "../../src/stores/file.ts";

const [folder = "", times = "", how = ""] = process.argv.slice(2);
const store = fileStore({ folder, lockTimeout: "60s" });
let conflicts = 0;
for (let done = 0; done < Number(times); ) {
  const entry = await store.read("a");
  const next = String(Number(entry?.data ?? 0) + 1);
  const options = { savedAt: 1, ifVersion: entry?.version ?? 0 };
  const { ok } = how === "saveSync" ? store.saveSync("a", next, options) : await store.save("a", next, options);
  if (ok) done++;
  else conflicts++;
}
await store.close();
process.stdout.write(String(conflicts));
