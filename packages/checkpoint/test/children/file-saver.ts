// Saves once, and stands still before each call that changes what is on the disk, so that a test can kill it there.

import { step } from "@holdfast/testing/step";
import { fileStore } from "../../src/stores/file.ts";
import { replaceDiskCalls } from "./disk-calls.ts";

const [folder = "", data = ""] = process.argv.slice(2);
replaceDiskCalls(["closeSync", "fsync", "linkSync", "openSync", "rename", "unlinkSync", "writeSync"], (call, name) => {
  step(name);
  return call();
});
await fileStore({ folder }).save("a", data, { savedAt: 1 });
