// Saves without end, each time under the version that it has seen, and says what was acknowledged.

import { fileStore } from "../../src/stores/file.ts";
import { orders, say } from "./orders.ts";

export interface LoopOrder {
  readonly folder: string;
  readonly name: string;
  readonly bytes: number;
}

for await (const { folder, name, bytes } of orders<LoopOrder>()) {
  const store = fileStore({ folder, lockTimeout: "60s" });
  for (;;) {
    const { version = 0 } = (await store.read("a")) ?? {};
    const data = `${version + 1} ${name} `.padEnd(bytes, ".");
    const { ok } = await store.save("a", data, { savedAt: 1, ifVersion: version, keep: version % 4 });
    if (ok) say(`${version + 1}`);
  }
}
