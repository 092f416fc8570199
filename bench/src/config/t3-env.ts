// t3-env on zod 4.

import { type Library, runLibrary } from "./library.ts";
import { secretSchemas, serviceSchemas } from "./zod-schemas.ts";

export const t3Env: Library = {
  async service() {
    const { z } = await import("zod");
    const { createEnv } = await import("@t3-oss/env-core");
    const server = serviceSchemas(z);
    return (from) => createEnv({ server, runtimeEnv: { ...from }, emptyStringAsUndefined: true });
  },
  async secrets() {
    const { z } = await import("zod");
    const { createEnv } = await import("@t3-oss/env-core");
    const server = secretSchemas(z);
    return (from) => createEnv({ server, runtimeEnv: { ...from }, emptyStringAsUndefined: true });
  },
};

if (import.meta.main) await runLibrary(t3Env);
