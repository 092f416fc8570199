// Ours on zod 4, with the schemas of the others.

import { importHoldfast } from "./holdfast-build.ts";
import { type Library, runLibrary } from "./library.ts";
import { secretSchemas, serviceSchemas } from "./zod-schemas.ts";

export const holdfast: Library = {
  async service() {
    const { z } = await import("zod");
    const { loadConfig, processEnv } = await importHoldfast();
    const schemas = serviceSchemas(z);
    return (from) => loadConfig(schemas, { sources: [processEnv({ env: from })] });
  },
  async secrets() {
    const { z } = await import("zod");
    const { loadConfig, processEnv, variable } = await importHoldfast();
    const schemas = Object.fromEntries(
      Object.entries(secretSchemas(z)).map(([name, schema]) => [name, variable(schema, { secret: true })]),
    );
    return (from) => loadConfig(schemas, { sources: [processEnv({ env: from })] });
  },
};

if (import.meta.main) await runLibrary(holdfast);
