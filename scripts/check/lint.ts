// Is everything formatted, and free of what Biome warns of?

import type { Check } from "./check.ts";
import { complaints, runTool } from "./run.ts";

export const lint: Check = {
  name: "lint",
  run: async (root) =>
    complaints(await runTool(root, "@biomejs/biome", ["check", "--error-on-warnings", "--diagnostic-level=warn", "."])),
};
