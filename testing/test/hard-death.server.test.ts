import { existsSync } from "node:fs";
import { join } from "node:path";
import { runAndKill, runToEnd } from "@holdfast/testing";
import { expect, test } from "vitest";
import { isClosed } from "./clients.ts";

const file = join(import.meta.dirname, "children/servers.ts");

interface Left {
  readonly ports: readonly number[];
  readonly folders: readonly string[];
}

async function expectNothingIsLeft(stdout: string): Promise<void> {
  const { ports, folders } = JSON.parse(stdout) as Left;
  expect(ports).toHaveLength(2);
  expect(folders).toHaveLength(2);
  // The supervisors work on while their parent is already dead.
  await expect.poll(() => folders.filter(existsSync)).toEqual([]);
  await expect.poll(() => Promise.all(ports.map(isClosed))).toEqual([true, true]);
}

test("servers and their data are gone when the process that started them is killed", async () => {
  const { stdout } = await runAndKill(file, { at: "started" });
  await expectNothingIsLeft(stdout);
});

test("servers and their data are gone when the process that started them ends without stopping them", async () => {
  const { stdout } = await runToEnd(file);
  await expectNothingIsLeft(stdout);
});
