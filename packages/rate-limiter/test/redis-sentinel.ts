// A Sentinel that watches one master. It ends with this process.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Server } from "@holdfast/testing";
import { Redis } from "ioredis";

export interface Sentinel extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
}

export const MASTER_NAME = "main";

/** Resolves when it knows the master's replica, so that it can promote it. */
export async function startSentinel(master: Server): Promise<Sentinel> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-sentinel-"));
  const { host } = master;
  const port = await freePort();
  writeFileSync(
    join(folder, "sentinel.conf"),
    [
      `bind ${host}`,
      `port ${port}`,
      `sentinel monitor ${MASTER_NAME} ${host} ${master.port} 1`,
      `sentinel down-after-milliseconds ${MASTER_NAME} 200`,
      `sentinel failover-timeout ${MASTER_NAME} 2000`,
    ].join("\n"),
  );
  // The shell waits for us to close its input, by intent or by dying.
  const script = 'redis-server "$1" --sentinel >/dev/null 2>&1 & read -r _; kill -9 $!';
  const shell = spawn("/bin/sh", ["-c", script, "sh", join(folder, "sentinel.conf")], {
    stdio: ["pipe", "ignore", "ignore"],
  });
  const asking = new Redis({ host, port, retryStrategy: () => 20, maxRetriesPerRequest: null });
  asking.on("error", () => {});
  while (((await asking.call("SENTINEL", "REPLICAS", MASTER_NAME)) as unknown[]).length === 0) await wait(20);
  asking.disconnect();
  return {
    host,
    port,
    async [Symbol.asyncDispose]() {
      const exit = once(shell, "exit");
      shell.stdin.end();
      await exit;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { readonly port: number };
  server.close();
  await once(server, "close");
  return port;
}
