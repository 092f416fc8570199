// Whether a server writes under a condition only if it holds. Some take no notice of conditions, and some of one of them.

import { randomUUID } from "node:crypto";
import { CheckpointError } from "../errors.ts";
import type { Objects, WriteCondition } from "./objects.ts";

const OTHER_ETAG = `"${"0".repeat(32)}"`;
const ATTEMPTS = 3;

/**
 * Writes objects of a name by chance under `prefix`, and removes them again as far as it may.
 * @throws CheckpointError `STORE_UNFIT`: it did otherwise than documented; `STORE_FAILED`: that could not be found out
 */
export async function probe(objects: Objects, prefix: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const name = `${prefix}probe-${randomUUID()}`;
    const wrong = await firstWrong(objects, name);
    if (wrong === undefined) return;
    // A client repeats a write whose answer was lost, and the repetition is refused; but hardly three times on end.
    if (attempt < ATTEMPTS) continue;
    throw new CheckpointError(
      "STORE_UNFIT",
      `the server of ${objects.urlOf(name)} ${wrong}. Of two processes that save one version, it would tell both that they did: take a ` +
        `server that has conditional writes, or say writers: "one" and see to it that one process at a time writes`,
    );
  }
}

async function firstWrong(objects: Objects, name: string): Promise<string | undefined> {
  const missing = `${name}-missing`;

  async function wrongly(
    what: string,
    to: string,
    condition: WriteCondition,
    right: readonly number[],
  ): Promise<string | undefined> {
    const answer = await objects.put(to, Buffer.from(what), ["probe"], condition, undefined);
    const { became, status = 0 } = answer;
    if (right.includes(status)) return undefined;
    // Others (a failure, a missing permission) have nothing to do with the condition. 304 was seen in the place of 412.
    if (became !== "written" && became !== "refused" && status !== 304 && status !== 501) throw answer.error;
    return `answered ${status} to a write ${what}`;
  }

  try {
    const made = await wrongly("under If-None-Match: * where nothing was", name, "absent", [200]);
    if (made !== undefined) return made;
    const { etag = "" } = (await objects.get(name, undefined)) ?? {};
    const steps: readonly Parameters<typeof wrongly>[] = [
      ["under If-None-Match: * where something was", name, "absent", [412]],
      ["under If-Match with another ETag", name, { etag: OTHER_ETAG }, [412]],
      // Holds only if the two before have written nothing.
      ["under If-Match with the ETag that stood", name, { etag }, [200]],
      ["under If-Match where nothing was", missing, { etag }, [404, 412]],
    ];
    for (const step of steps) {
      const wrong = await wrongly(...step);
      if (wrong !== undefined) return wrong;
    }
    const wasWritten = (await objects.get(missing, undefined)) !== undefined;
    return wasWritten ? "wrote under If-Match where nothing was, and said that it had not" : undefined;
  } finally {
    // The store has no other use for the permission, and may lack it.
    await Promise.all([name, missing].map((each) => objects.remove(each).catch(() => {})));
  }
}
