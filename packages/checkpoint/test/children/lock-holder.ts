// Holds a lock until it is killed.

import { systemClock } from "@holdfast/core";
import { step } from "@holdfast/testing/step";
import { withFileLock } from "../../src/file/file-lock.ts";
import { openFolder } from "../../src/file/folder.ts";

const [folder = "", lock = "", stays] = process.argv.slice(2);
const { ownFile } = await openFolder(folder, false, systemClock);
await withFileLock(
  lock,
  await ownFile(),
  { clock: systemClock, deadline: Number.POSITIVE_INFINITY, timeoutMs: 0, signal: undefined },
  async () => {
    step("held");
    if (stays) await new Promise((resolve) => setTimeout(resolve, 600_000));
  },
);
