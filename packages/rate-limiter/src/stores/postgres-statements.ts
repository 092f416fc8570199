// The statements that the store sends: parameters only, unnamed, so that any pooler between may change the connection.

import { NOW_MS } from "./postgres-functions.ts";
import type { Names } from "./postgres-names.ts";

export interface Statements {
  /** subject, cost, rules, penalty, now */
  readonly consume: string;
  /** subject, cost, the four figures of the only rule, penalty, now */
  readonly consumeByOne: string;
  /** subjects, costs, rules, penalties, now: as many calls, decided in this order */
  readonly consumeMany: string;
  /** subjects, rules, requests as `leaseText` writes them, now: as many leases, in this order */
  readonly lease: string;
  /** subject, rules, now */
  readonly peek: string;
  /** subject, rules, units to put back, now */
  readonly refund: string;
  /** subject, now */
  readonly reset: string;
  /** subject, zeros, blockMs, now */
  readonly block: string;
  /** subject */
  readonly unblock: string;
  /** subject to go on after (hex), how many rows, now */
  readonly cleanUp: string;
}

export function statementsFor({ table, consume, consumeByOne, asOf, lease }: Names): Statements {
  /** Read once a statement, unless it is given. */
  const clock = (parameter: string): string => `(SELECT coalesce(${parameter}::bigint, ${NOW_MS}) AS ms) AS now`;
  /** What is left of what a row says by then. */
  const isSpent = (row: string): string => `${row}.full_at <= now.ms AND coalesce(${row}.blocked_until, 0) <= now.ms`;

  return {
    consume: `SELECT ${consume}($1, $2, $3, $4, $5) AS reading`,

    consumeByOne: `SELECT ${consumeByOne}($1, $2, $3, $4, $5, $6, $7, $8) AS reading`,

    // A row is locked until the statement ends. All who lock several do so in the order of subjects, so none wait in a circle.
    consumeMany: `
SELECT ${consume}(call.subject, call.cost, call.rules::bigint[], call.penalty::bigint[], $5) AS reading
  FROM unnest($1::bytea[], $2::bigint[], $3::text[], $4::text[]) AS call (subject, cost, rules, penalty)`,

    lease: `
SELECT ${lease}(call.subject, call.rules::bigint[], call.request, $4) AS reading
  FROM unnest($1::bytea[], $2::text[], $3::text[]) AS call (subject, rules, request)`,

    peek: `
SELECT array_to_string(s.used, ',') AS used, greatest(0, t.blocked_until - now.ms) AS blocked_ms
  FROM ${table} AS t, ${clock("$3")}, ${asOf}(t.at, t.used, t.leases, $2::bigint[], now.ms) AS s
 WHERE t.subject = $1`,

    // Buckets that no call has taken from have no room. full_at may stay: it is only later than it need be.
    refund: `
UPDATE ${table} AS t
   SET (at, used, leases) = (
     SELECT s.at,
            ARRAY(
              -- Refilled up to now, then what is put back, as far as what is lent leaves room for it.
              SELECT greatest(least(s.used[i], s.lent * rules[i][1]), s.used[i] - units[i])
                FROM generate_subscripts(s.used, 1) AS i
               ORDER BY i
            ),
            s.leases
       FROM ${asOf}(t.at, t.used, t.leases, rules, now.ms) AS s
   )
  FROM ${clock("$4")}, (SELECT $2::bigint[] AS rules, $3::bigint[] AS units) AS given
 WHERE t.subject = $1 AND t.at > 0`,

    // All but the buckets' time.
    reset: `
UPDATE ${table} AS t
   SET at = CASE WHEN t.at > 0 THEN greatest(t.at, now.ms) ELSE 0 END,
       used = array_fill(0::bigint, ARRAY[cardinality(t.used)]),
       full_at = 0,
       blocked_until = NULL,
       leases = NULL,
       strikes_at = NULL,
       strikes_used = NULL,
       strike_units = NULL
  FROM ${clock("$2")}
 WHERE t.subject = $1`,

    block: `
INSERT INTO ${table} (subject, at, used, full_at, blocked_until)
SELECT $1, 0, $2, 0, now.ms + $3::bigint
  FROM ${clock("$4")}
ON CONFLICT (subject) DO UPDATE SET blocked_until = excluded.blocked_until`,

    unblock: `UPDATE ${table} SET blocked_until = NULL WHERE subject = $1`,

    cleanUp: `
WITH page AS (
  -- 1. The next rows in the order of the primary key, whatever they say: so the work has a bound.
  SELECT t.subject, t.full_at, t.blocked_until
    FROM ${table} AS t
   WHERE t.subject > decode($1, 'hex')
   ORDER BY t.subject
   LIMIT $2
), spent AS (
  -- 2. Of these, those that are spent and that nobody is writing. What was written since is looked at again under the lock.
  SELECT t.subject
    FROM ${table} AS t, ${clock("$3")}
   WHERE t.subject IN (SELECT page.subject FROM page WHERE ${isSpent("page")})
     AND ${isSpent("t")}
     FOR UPDATE OF t SKIP LOCKED
), deleted AS (
  DELETE FROM ${table} AS t USING spent WHERE t.subject = spent.subject RETURNING 1
)
SELECT (SELECT count(*) FROM deleted) AS deleted,
       (SELECT count(*) FROM page) AS seen,
       (SELECT encode(page.subject, 'hex') FROM page ORDER BY page.subject DESC LIMIT 1) AS last`,
  };
}
