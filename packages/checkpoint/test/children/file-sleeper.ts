// Saves once, and stops itself when the new file is about to be put in place; goes on when it is told to.

import { fileStore } from "../../src/stores/file.ts";
import { replaceDiskCalls } from "./disk-calls.ts";

const [folder = ""] = process.argv.slice(2);
replaceDiskCalls(["rename"], (call) => {
  process.kill(process.pid, "SIGSTOP");
  return call();
});
const store = fileStore({ folder });
await store.save("a", "the sleeper's", { savedAt: 1 });
await store.close();
