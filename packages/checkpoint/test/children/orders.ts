// The child's half of torture/parts/children.ts: what it is to do comes when it has loaded all that it needs.

import { writeSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { createInterface } from "node:readline";

/** One after the other, as they come. The process ends with its parent. */
export async function* orders<Order>(): AsyncGenerator<Order> {
  // Which a process that is killed would leave without.
  flushCompileCache();
  const lines = createInterface({ input: process.stdin });
  lines.on("close", () => process.exit());
  for await (const line of lines) yield JSON.parse(line) as Order;
}

/** To the parent, at once: what has been said before a kill has been heard. */
export function say(line: string): void {
  writeSync(1, `${line}\n`);
}
