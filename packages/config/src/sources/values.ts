// Values from a plain object, for tests and overrides.

import type { Source } from "../source.ts";

/** A source that has what `record` has at each load. `name` stands in reports; default `values`. */
export function values(record: Readonly<Record<string, string | undefined>>, name = "values"): Source {
  return { name, load: () => ({ ...record }), names: () => Object.keys(record) };
}
