// Adds one to a number as often as it is told to, each time under the key's lease, and under the version that it has seen.

import { s3Store } from "../../src/stores/s3.ts";
import { newClient } from "../s3-client.ts";

const [url = "", bucket = "", times = ""] = process.argv.slice(2);
const client = newClient(url);
const store = s3Store({ client, bucket, prefix: "", contentionTimeout: "60s" });
for (let done = 0; done < Number(times); ) {
  const seen = await store.read("a");
  const grant = seen?.holder == null ? await store.grant("a", `${process.pid}`, seen) : undefined;
  if (!grant?.ok) continue;
  const { data, version, fence } = grant.entry;
  const next = String(Number(data ?? 0) + 1);
  const saved = await store.save("a", next, { savedAt: 1, ifVersion: data === null ? 0 : version, fence });
  const released = await store.release("a", fence);
  if (!saved.ok || !released.ok) throw new Error(`the lease ${fence} was not one process's alone`);
  done++;
}
client.destroy();
