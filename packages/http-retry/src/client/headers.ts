// Request headers as a caller gives them, made into one record.

import type { HeaderFields } from "./options.ts";
import type { RequestFields } from "./request.ts";

/** `input` over `defaults`: a field of the same name stands in its place, and one that is `undefined` leaves it out. */
export function fieldsOf(input: HeaderFields | undefined, defaults: RequestFields = {}): RequestFields {
  if (!input) return defaults;
  const fields: Record<string, string | string[]> = { ...defaults };
  const given = new Set<string>();
  for (const [anyCase, value] of pairsOf(input)) {
    const name = anyCase.toLowerCase();
    if (value === undefined) delete fields[name];
    // Pairs may name a field more than once.
    else
      fields[name] = given.has(name)
        ? [fields[name] ?? [], value].flat(2)
        : typeof value === "string"
          ? value
          : [...value];
    given.add(name);
  }
  return fields;
}

function pairsOf(input: HeaderFields): Iterable<readonly [string, string | readonly string[] | undefined]> {
  return Symbol.iterator in input ? (input as Iterable<readonly [string, string]>) : Object.entries(input);
}
