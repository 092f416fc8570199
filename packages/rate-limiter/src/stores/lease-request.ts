// What a store that lends is asked for, in the one line that Redis and Postgres both take apart.

import { RateLimiterError } from "../errors.ts";
import type { LeaseRequest } from "../store.ts";

/** In the place of an id where nothing is given back. No id can be that. */
const NOTHING = ".";

/**
 * `id tokens least ttlMs returnedId unspent`
 * @throws RateLimiterError `INVALID_OPTION`
 */
export function leaseText({ id, tokens, least, ttlMs, returned }: LeaseRequest): string {
  const { id: returnedId, unspent } = returned ?? { id: NOTHING, unspent: 0 };
  const text = [id, tokens, least, ttlMs, returnedId, unspent].join(" ");
  if (/^[\w-]{1,64} \d{1,15} \d{1,15} \d{1,15} ([\w-]{1,64}|\.) \d{1,15}$/.test(text)) return text;
  throw new RateLimiterError(
    "INVALID_OPTION",
    `a lease can't be ${JSON.stringify(text.slice(0, 200))}; give ids of A-Z, a-z, 0-9, _ and -, and whole numbers`,
  );
}
