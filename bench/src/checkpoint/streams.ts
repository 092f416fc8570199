// A hundred streams that save at once, beside the same that wait for each other.

import type { Checkpoints } from "@holdfast/checkpoint";
import { compare, type Row } from "../harness.ts";
import { rowOf } from "../rate-limiter/row.ts";
import { nextCursor } from "./value.ts";

const STREAMS = Array.from({ length: 100 }, (_, index) => `stream:${index}`);
const IN_TURN = "one after another";

export async function streamsRow(store: string, checkpoints: Checkpoints<unknown>): Promise<Row> {
  const save = (key: string): Promise<number> => checkpoints.save(key, nextCursor());
  const saveInTurn = async (): Promise<void> => {
    for (const key of STREAMS) await save(key);
  };
  const comparison = await compare(
    { ours: () => Promise.all(STREAMS.map(save)), peers: { [IN_TURN]: saveInTurn } },
    { iterations: 1, rounds: 25 },
  );
  const name = `${store}, 100 streams at once`;
  return rowOf(
    comparison,
    IN_TURN,
    { name, unit: "hundreds/s", better: "higher", goal: { of: "ratio", atLeast: 3 } },
    `in the ${store}`,
  );
}
