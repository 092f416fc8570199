// Redis (or Valkey): alone, or as a replica of another.

import { ask, LOOPBACK, until } from "./loopback.ts";
import { findProgram } from "./programs.ts";
import { type Server, startServer } from "./server.ts";

export interface RedisOptions {
  /** As in redis.conf, e.g. `{ appendonly: "yes" }`. Default: no persistence, so that a restart forgets everything. */
  readonly settings?: Readonly<Record<string, string>>;
}

export function startRedis(options: RedisOptions = {}): Promise<Server> {
  const file = findProgram({
    names: ["redis-server", "valkey-server"],
    debianPackage: "redis-server",
    homebrewFormula: "redis",
  });
  return startServer({
    name: "redis",
    url: (port) => `redis://${LOOPBACK}:${port}`,
    command: (folder, port) => ({
      file,
      args: toArguments({ bind: LOOPBACK, port: String(port), dir: folder, save: "", ...options.settings }),
    }),
    isReady: async (port) => (await ask(port, "PING\r\n")).startsWith("+PONG"),
    endSignal: "SIGTERM",
  });
}

function toArguments(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
}

/** A replica that follows `master`, started when the two are in step. Replication is asynchronous: it may read the past. */
export async function startRedisReplica(master: Server): Promise<Server> {
  // By default a master waits 5 s for more replicas to come before it sends its data.
  await ask(master.port, "CONFIG SET repl-diskless-sync-delay 0\r\n");
  const replica = await startRedis({ settings: { replicaof: `${master.host} ${master.port}` } });
  await until("the replica is in step with its master", async () =>
    (await ask(replica.port, "INFO replication\r\n")).includes("master_link_status:up"),
  );
  return replica;
}
