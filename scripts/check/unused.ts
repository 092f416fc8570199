// Is there a file, an export or a dependency that nobody uses, or one that is used and not declared?

import type { Check } from "./check.ts";
import { complaints, runTool } from "./run.ts";

export const unused: Check = {
  name: "unused",
  run: async (root) => complaints(await runTool(root, "knip", ["--no-progress", "--no-config-hints"])),
};
