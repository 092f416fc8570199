// Does everything fit together? One project over the whole workspace, so that a package and its users are seen at once.

import type { Check } from "./check.ts";
import { complaints, runTool } from "./run.ts";

export const types: Check = {
  name: "types",
  run: async (root) => complaints(await runTool(root, "typescript", ["-p", "tsconfig.json", "--pretty", "false"])),
};
