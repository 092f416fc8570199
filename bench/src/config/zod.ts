// Bare zod: what a service without any library of configuration would do.

import { type Library, runLibrary } from "./library.ts";
import { secretSchemas, serviceSchemas } from "./zod-schemas.ts";

const library: Library = {
  async service() {
    const { z } = await import("zod");
    const schema = z.object(serviceSchemas(z));
    return (from) => schema.parse(from);
  },
  async secrets() {
    const { z } = await import("zod");
    const schema = z.object(secretSchemas(z));
    return (from) => schema.parse(from);
  },
};

if (import.meta.main) await runLibrary(library);
