// Which keys have objects under a prefix.

import { decode } from "../file/envelope.ts";
import { keyOf, nameOf } from "../file/key-to-name.ts";
import type { Objects } from "./objects.ts";

/** How many objects are read at once. */
const PARALLEL = 16;

/** Those that begin with `start`, in the order of their UTF-8 bytes, which is not that of the names. */
export async function keysUnder(
  objects: Objects,
  prefix: string,
  start: string,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const keys: string[] = [];
  const hashed: string[] = [];
  for (const beginning of beginningsOf(start)) {
    for await (const name of objects.names(prefix + beginning, signal)) {
      const found = keyOf(name.slice(prefix.length));
      if (found === "hashed") hashed.push(name);
      else if (found) keys.push(found.key);
    }
  }
  for (const names of inGroups(hashed)) {
    const found = await Promise.all(names.map((name) => keyIn(objects, name, signal)));
    keys.push(...found.filter((key) => key !== undefined));
  }
  return keys.filter((key) => key.startsWith(start)).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

/** Of all names whose keys begin with `start`: a hash tells nothing of its key, and a long start can only be that of a long key. */
function beginningsOf(start: string): string[] {
  const name = nameOf(start);
  return name.startsWith("k-") ? [name.replace(/\.checkpoint$/, ""), "h-"] : ["h-"];
}

async function keyIn(objects: Objects, name: string, signal: AbortSignal | undefined): Promise<string | undefined> {
  const found = await objects.get(name, signal);
  return found && decode(found.text, objects.urlOf(name)).entry.key;
}

/** Of a size to be read at once. */
export function* inGroups<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < items.length; from += PARALLEL) yield items.slice(from, from + PARALLEL);
}
