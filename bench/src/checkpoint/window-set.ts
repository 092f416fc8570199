import { bytesPerKey, report } from "../harness.ts";
import { IDS, pagesOfIds } from "./window-ids.ts";

const bytes = await bytesPerKey(IDS, () => {
  const seen = new Set<string>();
  for (const ids of pagesOfIds()) for (const id of ids) seen.add(id);
  return seen;
});
report({ bytes });
