// Holds a lock until it is killed.

import { systemClock } from "@holdfast/core";
import { step as mayDie } from "@holdfast/testing/step";
import { withFileLock } from "../../src/file/file-lock.ts";
import { openFolder } from "../../src/file/folder.ts";
import { runLater, step } from "../../src/steps.ts";

const [folder = "", lock = "", stays] = process.argv.slice(2);
const { ownFile } = await runLater(openFolder(folder, false, systemClock));
const wait = { clock: systemClock, deadline: Number.POSITIVE_INFINITY, timeoutMs: 0, signal: undefined };
const hold = async (): Promise<void> => {
  mayDie("held");
  if (stays) await new Promise((resolve) => setTimeout(resolve, 600_000));
};
await runLater(
  withFileLock(lock, ownFile(), wait, () =>
    step(() => {
      throw new Error("only later");
    }, hold),
  ),
);
