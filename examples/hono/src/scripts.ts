// The browser's half, bundled once when a server starts. A service that is built ahead would do it then.

import { join } from "node:path";
import { build } from "esbuild";

export async function bundled(file: "dashboard.ts" | "portal.ts"): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, "browser", file)],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
  });
  return outputFiles[0]?.text ?? "";
}
