// The least that replacing a file durably takes, in both ways that Node has: write beside it, sync, rename, sync the folder.

import { closeSync, fsyncSync, openSync, renameSync, writeSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";

export async function replaceBare(path: string, text: string): Promise<void> {
  const file = await open(`${path}.tmp`, "w");
  await file.writeFile(text);
  await file.sync();
  await file.close();
  await rename(`${path}.tmp`, path);
  const folder = await open(dirname(path), "r");
  await folder.sync();
  await folder.close();
}

export function replaceBareSync(path: string, text: string): void {
  const file = openSync(`${path}.tmp`, "w");
  writeSync(file, text);
  fsyncSync(file);
  closeSync(file);
  renameSync(`${path}.tmp`, path);
  const folder = openSync(dirname(path), "r");
  fsyncSync(folder);
  closeSync(folder);
}
