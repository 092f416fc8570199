// Every package whose tests `pnpm test [name]` can run, and the real servers that its *.server.test.ts files need.

import { defineConfig, type ViteUserConfig } from "vitest/config";
import { example, published, type TestedPackage, tool, vitestProjects } from "./testing/src/vitest.ts";

export const packages: readonly TestedPackage[] = [
  published("core", { servers: ["redis", "postgres"] }),
  published("api-key", { servers: ["redis", "postgres"] }),
  published("config"),
  published("embed-token", { servers: ["redis", "postgres", "chromium"] }),
  published("checkpoint", { servers: ["redis", "postgres", "s3rver"] }),
  published("http-retry"),
  published("rate-limiter", { servers: ["redis", "postgres"] }),
  example("hono", { servers: ["redis", "chromium"] }),
  example("express", { servers: ["redis", "postgres"] }),
  tool("testing", { servers: ["redis", "redis-cluster", "postgres", "pgbouncer", "chromium"] }),
  tool("scripts"),
];

const config: ViteUserConfig = defineConfig({
  test: { projects: packages.flatMap(vitestProjects), passWithNoTests: true },
});
export default config;
