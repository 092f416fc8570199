// vitest's global set-up of a NAME:servers project: starts what its line in vitest.config.ts names, and nothing else.

import type { TestProject } from "vitest/node";
import type { StartedServer } from "../server-url.ts";
import { startChromium } from "./chromium.ts";
import { startPgBouncer } from "./pgbouncer.ts";
import { startPostgres } from "./postgres.ts";
import { startRedis } from "./redis.ts";
import { startRedisCluster } from "./redis-cluster.ts";
import { startS3rver } from "./s3rver.ts";
import type { ServerName } from "./server.ts";

type Started = Partial<Record<ServerName, StartedServer>>;
type Stop = () => Promise<void>;

const start: Record<ServerName, (before: Started) => Promise<{ readonly url: string; readonly stop: Stop }>> = {
  redis: () => startRedis(),
  "redis-cluster": () => startRedisCluster(),
  postgres: () => startPostgres(),
  chromium: () => startChromium(),
  s3rver: () => startS3rver(),
  async pgbouncer({ postgres }) {
    if (postgres && "url" in postgres) return startPgBouncer(postgres.url);
    throw new Error('pgbouncer stands in front of a Postgres: name "postgres" before it in vitest.config.ts');
  },
};

export async function setup(project: TestProject): Promise<Stop> {
  const started: Started = {};
  const stops: Stop[] = [];
  for (const name of project.getProvidedContext().servers) {
    const running = process.env[variableOf(name)];
    if (running) {
      started[name] = { url: running };
      continue;
    }
    try {
      const { url, stop } = await start[name](started);
      console.log(`Started ${name} for ${project.name}: ${url}`);
      started[name] = { url };
      stops.unshift(stop);
    } catch (error) {
      // The tests that ask for its URL will fail with this. All the others can run.
      const remedy = `  or name a ${name} that already runs, and whose content may go: ${variableOf(name)}=...`;
      started[name] = { problem: `${(error as Error).message}\n${remedy}` };
    }
  }
  project.provide("startedServers", started);
  return async () => {
    for (const stop of stops) await stop();
  };
}

/** Names a server that already runs, to be used instead of one of our own: TEST_REDIS_CLUSTER_URL, say. */
const variableOf = (name: ServerName): string => `TEST_${name.toUpperCase().replace("-", "_")}_URL`;
