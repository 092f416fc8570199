// Saves once, and stands still before each call that changes what is on the disk, so that a test can kill it there.

import { step } from "@holdfast/testing/step";
import { fileStore } from "../../src/stores/file.ts";
import { replaceDiskCalls } from "./disk-calls.ts";

const [folder = "", data = "", how = "", keep = "0"] = process.argv.slice(2);
const CALLS = [
  "closeSync",
  "fsync",
  "fsyncSync",
  "linkSync",
  "openSync",
  "rename",
  "renameSync",
  "unlinkSync",
  "writeSync",
] as const;
replaceDiskCalls(CALLS, (call, name) => {
  step(name);
  return call();
});
const store = fileStore({ folder });
const options = { savedAt: 1, keep: Number(keep) };
if (how === "saveSync") store.saveSync("a", data, options);
else await store.save("a", data, options);
