// Saves without end while it has the lease, each time what it has just loaded and one more, and does not look at whether the lease is lost: only
// the fence keeps it from saving what is out of date. Says what has been saved.

import { setTimeout as pause } from "node:timers/promises";
import { type CheckpointError, type Checkpoints, createCheckpoints } from "../../src/index.ts";
import { type Kind, openStore } from "./open-store.ts";
import { orders, say } from "./orders.ts";

export interface ChainOrder {
  readonly kind: Kind;
  readonly at: string;
  readonly key: string;
  readonly name: string;
  readonly ttl: number;
}

/** A link of the chain that all who share the key make. */
export interface Link {
  readonly by: string;
  readonly fence: number;
  /** The version that it was made of; 0 for the first. */
  readonly follows: number;
  /** How many came before. */
  readonly place: number;
}

const SAVES_A_LEASE = 20;
const PAUSE_MS = 3;

for await (const order of orders<ChainOrder>()) {
  const store = await openStore(order.kind, order.at);
  const checkpoints = createCheckpoints<Link>({ store, history: 1000 });
  for (;;) await saveUnderLease(checkpoints, order);
}

async function saveUnderLease(checkpoints: Checkpoints<Link>, { key, name, ttl }: ChainOrder): Promise<void> {
  try {
    await checkpoints.withLease(
      key,
      async (lease) => {
        for (let left = SAVES_A_LEASE; left > 0; left--) {
          const loaded = await checkpoints.load(key);
          const link: Link = {
            by: name,
            fence: lease.fence,
            follows: loaded?.version ?? 0,
            place: (loaded?.value.place ?? -1) + 1,
          };
          say(`${await checkpoints.save(key, link, { lease })}`);
          await pause(PAUSE_MS);
        }
      },
      { ttl },
    );
  } catch (error) {
    if ((error as CheckpointError).code !== "STALE_LEASE") throw error;
  }
}
