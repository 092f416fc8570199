// How a test file learns where its servers are.

import { inject } from "vitest";
import type { ServerName } from "./servers/server.ts";

/** What became of the attempt to start a server. */
export type StartedServer = { readonly url: string } | { readonly problem: string };

declare module "vitest" {
  interface ProvidedContext {
    /** Named in the root vitest.config.ts, for servers/setup.ts. */
    servers: readonly ServerName[];
    /** By servers/setup.ts, for `serverUrl`. */
    startedServers: Partial<Record<ServerName, StartedServer>>;
  }
}

/** The URL of a server that runs for this package's `*.server.test.ts` files; all of them share it. */
export function serverUrl(name: ServerName): string {
  const server = inject("startedServers")?.[name];
  if (!server) {
    throw new Error(
      `There is no ${name} here: name it in this package's line of vitest.config.ts, for its *.server.test.ts`,
    );
  }
  if ("problem" in server) throw new Error(server.problem);
  return server.url;
}
