// A Redis Cluster of three masters, each with a third of the slots.

import { ask, freePort, until } from "./loopback.ts";
import { startRedis } from "./redis.ts";
import type { Server } from "./server.ts";

const MASTERS = 3;
const SLOTS = 16_384;

export interface RedisCluster extends AsyncDisposable {
  /** Of the first master; clients learn the others from it. */
  readonly url: string;
  /** Each can be killed and restarted by itself. */
  readonly masters: readonly Server[];
  /** Resolves when every master sees every slot served: after a restart, say. */
  whole(): Promise<void>;
  stop(): Promise<void>;
}

interface Master {
  readonly server: Server;
  readonly busPort: number;
}

export async function startRedisCluster(): Promise<RedisCluster> {
  const starts = await Promise.allSettled(Array.from({ length: MASTERS }, startMaster));
  const started = starts.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []));
  const masters = started.map(({ server }) => server);
  const stop = async (): Promise<void> => {
    await Promise.all(masters.map((master) => master.stop()));
  };
  const whole = (): Promise<void> =>
    until("the cluster is whole", async () => {
      const views = await Promise.all(masters.map(({ port }) => ask(port, "CLUSTER INFO\r\n")));
      return views.every(
        (view) => view.includes("cluster_state:ok") && view.includes(`cluster_known_nodes:${MASTERS}`),
      );
    });
  try {
    for (const start of starts) if (start.status === "rejected") throw start.reason;
    await join(started);
    await whole();
    return { url: masters[0]?.url ?? "", masters, whole, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startMaster(): Promise<Master> {
  const busPort = await freePort();
  const server = await startRedis({
    settings: {
      "cluster-enabled": "yes",
      "cluster-port": String(busPort),
      // How long a silent master counts as alive. Tests that kill one should not wait the 15 s of the default.
      "cluster-node-timeout": "2000",
    },
  });
  return { server, busPort };
}

/** Shares the slots out evenly and introduces everyone to the first. */
async function join(masters: readonly Master[]): Promise<void> {
  const share = Math.ceil(SLOTS / masters.length);
  for (const [i, { server, busPort }] of masters.entries()) {
    await command(server, `CLUSTER ADDSLOTSRANGE ${i * share} ${Math.min(SLOTS, (i + 1) * share) - 1}`);
    for (const other of masters.slice(0, i))
      await command(other.server, `CLUSTER MEET ${server.host} ${server.port} ${busPort}`);
  }
}

async function command(server: Server, text: string): Promise<void> {
  const answer = await ask(server.port, `${text}\r\n`);
  if (!answer.startsWith("+OK")) throw new Error(`redis answered ${JSON.stringify(answer)} to ${text}`);
}
