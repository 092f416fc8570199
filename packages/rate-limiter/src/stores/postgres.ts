// Buckets in Postgres, shared by every instance that asks it: one row a subject, one statement a call, time by Postgres' own clock.

import { hash } from "node:crypto";
import { type Clock, unlessAborted } from "@holdfast/core";
import { type PostgresClient as CorePostgresClient, schemaProblem } from "@holdfast/core/postgres";
import { RateLimiterError } from "../errors.ts";
import type { RuleSet } from "../rule.ts";
import type { LeaseReading, LeasingStore, StoreCall, StoreCallOptions, StoreReading } from "../store.ts";
import { leaseText } from "./lease-request.ts";
import {
  type CleanUpRow,
  MOST_UNITS,
  type PeekRow,
  type PreparedCall,
  type PreparedLease,
  type PreparedRules,
  prepareRules,
  type ReadingRow,
  subjectOf,
  toLeaseReading,
  toReading,
} from "./postgres-arguments.ts";
import { inBatches, inOrderOfSubjects } from "./postgres-batches.ts";
import { namesOf } from "./postgres-names.ts";
import { ensureSchemaSql } from "./postgres-schema.ts";
import { statementsFor } from "./postgres-statements.ts";

/** What the store needs of `Pool` or `Client` of pg, or of anything that answers alike. */
export interface PostgresClient extends CorePostgresClient {
  /** Tells a pool, which runs several statements at once, from a single connection. */
  readonly totalCount?: number;
}

/** What those of pg can as well, and `prepared` needs. */
interface PreparingClient extends PostgresClient {
  query(
    statement: string | { name: string; text: string; values: unknown[] | undefined },
    values?: unknown[],
  ): ReturnType<PostgresClient["query"]>;
}

export interface PostgresStoreOptions {
  /**
   * Stays the caller's, who connects and closes it, and listens for a pool's errors. It is best a pool: on a connection with an open
   * transaction a key stays locked until the transaction ends, and everybody else's calls on it wait as long, with those sent along.
   * A signal ends only the waiting. Give the connections a `query_timeout`, so that a statement without an answer ends too, and a
   * `statement_timeout`, so that the server does not work on for nobody.
   */
  readonly client: PostgresClient;
  /** Up to 50 letters, digits and underscores. Default `rate_limit`. */
  readonly table?: string | undefined;
  /** Default: by the connection's `search_path`. */
  readonly schema?: string | undefined;
  /** Makes an unlogged table, if `ensureSchema` makes one: nothing waits for a disk, and after a crash it is empty. Default false. */
  readonly unlogged?: boolean | undefined;
  /**
   * Names the statement of a decision, which each connection then parses and plans only once: a sixth of a call's time. For connections
   * that go straight to Postgres, or over PgBouncer 1.21 or later with `max_prepared_statements` set. Default false.
   */
  readonly prepared?: boolean | undefined;
  /** Where the time comes from instead of Postgres. It is weaker: the instances' clocks must agree. Default: Postgres' own. */
  readonly time?: Pick<Clock, "now"> | undefined;
}

export interface PostgresStore extends LeasingStore {
  consumeMany(calls: readonly StoreCall[], options?: StoreCallOptions): Promise<readonly StoreReading[]>;
  /**
   * Makes schema, table and functions where they are missing. Any number of instances may call it at once, as each does when it
   * starts; where all is there it needs no privilege to create. A table that is there keeps its rows and stays logged or not. One of an
   * earlier version gets the columns that it lacks, which its owner may add; instances of that version go on beside, but refill what
   * others have leased.
   * @throws RateLimiterError `WRONG_SCHEMA`: the table is another, or of a later version of this package
   */
  ensureSchema(): Promise<void>;
  /**
   * Deletes the rows that say nothing any more, and resolves to how many they were. Goes through the table in statements of
   * `batch` rows each (default 1000), passes over rows in use, and holds no lock from one statement to the next. Call it now and then,
   * from a cron job or a timer, on any instance or several.
   */
  cleanUp(options?: { readonly batch?: number; readonly signal?: AbortSignal }): Promise<number>;
}

// More than a few at once gain nothing, and would leave a pool to nobody else.
const LANES_OF_A_POOL = 4;
// A statement of so many calls takes some tens of milliseconds, and holds the rows' locks as long.
const MOST_CALLS_A_STATEMENT = 1000;

/**
 * A store in Postgres 12 or later, also behind PgBouncer in any mode: no statement is named, unless `prepared` says so.
 *
 * - Calls that are made at once, or while four statements are on their way, share a statement, a round trip and a commit.
 * - A refusal only reads: an attack makes no row versions, and waits for no disk. With a penalty it writes, until it blocks.
 * - The table outlives a crash. With `synchronous_commit = off` on the connections nothing waits for a disk, and a crash
 *   gives back what was taken in its last second; an unlogged table then gives back everything.
 * - Statements expect the isolation level READ COMMITTED. At a stricter one, calls at once on one key reject with SQLSTATE 40001.
 * - A role that did not make the table needs SELECT, INSERT, UPDATE and DELETE on it.
 * - It lends, to `withLeases`: as many leases as are asked for at once share a statement too.
 * - Calls reject with `WRONG_SCHEMA` where the table or a function is missing.
 *
 * @example
 * const store = postgresStore({ client: new Pool() });
 * await store.ensureSchema();
 * const limiter = createRateLimiter({ rules: "60/minute", store });
 * setInterval(() => store.cleanUp().catch(report), 600_000).unref();
 *
 * @throws RateLimiterError `INVALID_OPTION`
 */
export function postgresStore(options: PostgresStoreOptions): PostgresStore {
  const { client, table = "rate_limit", schema, unlogged = false, prepared = false, time } = options;
  const names = namesOf(table, schema);
  const statements = statementsFor(names);
  const known = new WeakMap<RuleSet, PreparedRules>();
  const { consume, consumeByOne, consumeMany, lease } = statements;
  // After their texts: a connection may serve several stores, and takes one text for each name.
  const statementNames = new Map(
    prepared ? [consume, consumeByOne, consumeMany, lease].map((text) => [text, `holdfast_${hash("sha1", text)}`]) : [],
  );
  const now = (): number | null => (time ? Math.floor(time.now()) : null);

  async function run<Row>(text: string, values?: unknown[]): Promise<readonly Row[]> {
    const name = statementNames.get(text);
    try {
      if (name === undefined) return (await client.query(text, values)).rows as readonly Row[];
      return (await (client as PreparingClient).query({ name, text, values })).rows as readonly Row[];
    } catch (error) {
      const problem = schemaProblem(error, names.table);
      throw problem === undefined ? error : new RateLimiterError("WRONG_SCHEMA", problem, { cause: error });
    }
  }

  function prepare(rules: RuleSet): PreparedRules {
    let found = known.get(rules);
    if (!found) {
      found = prepareRules(rules);
      known.set(rules, found);
    }
    return found;
  }

  function callOf({ rules, key, cost }: StoreCall): PreparedCall {
    const found = prepare(rules);
    return { subject: subjectOf(found, key), cost, rules: found };
  }

  function decideOne({ subject, cost, rules }: PreparedCall): Promise<readonly ReadingRow[]> {
    const { onlyRule, penalty } = rules;
    if (onlyRule) return run(consumeByOne, [subject, cost, ...onlyRule, penalty, now()]);
    return run(consume, [subject, cost, rules.rules, penalty, now()]);
  }

  async function decide(calls: readonly PreparedCall[]): Promise<readonly StoreReading[]> {
    const [first] = calls;
    if (calls.length === 1 && first) return (await decideOne(first)).map(toReading);
    return inOrderOfSubjects(calls, MOST_CALLS_A_STATEMENT, async (part) => {
      const values = [
        part.map(({ subject }) => subject),
        part.map(({ cost }) => cost),
        part.map(({ rules }) => rules.rules),
        part.map(({ rules }) => rules.penalty),
        now(),
      ];
      return (await run<ReadingRow>(consumeMany, values)).map(toReading);
    });
  }

  function lend(calls: readonly PreparedLease[]): Promise<readonly LeaseReading[]> {
    return inOrderOfSubjects(calls, MOST_CALLS_A_STATEMENT, async (part) => {
      const values = [
        part.map(({ subject }) => subject),
        part.map(({ rules }) => rules.rules),
        part.map(({ request }) => request),
        now(),
      ];
      return (await run<ReadingRow>(lease, values)).map(toLeaseReading);
    });
  }

  const shape = { lanes: client.totalCount === undefined ? 1 : LANES_OF_A_POOL, most: MOST_CALLS_A_STATEMENT };
  const askInBatches = inBatches(decide, shape);
  const lendInBatches = inBatches(lend, shape);

  /** A statement on one subject. */
  async function ask<Row>(text: string, rules: RuleSet, key: string, values: unknown[], call?: StoreCallOptions) {
    call?.signal?.throwIfAborted();
    return await unlessAborted(run<Row>(text, [subjectOf(prepare(rules), key), ...values]), call?.signal);
  }

  return {
    consume(rules, key, cost, call) {
      const signal = call?.signal;
      return signal?.aborted ? Promise.reject(signal.reason) : askInBatches(callOf({ rules, key, cost }), signal);
    },
    async consumeMany(calls, call) {
      call?.signal?.throwIfAborted();
      if (calls.length === 0) return [];
      return await unlessAborted(decide(calls.map(callOf)), call?.signal);
    },
    async peek(rules, key, call) {
      const [row] = await ask<PeekRow>(statements.peek, rules, key, [prepare(rules).rules, now()], call);
      const blockedMs = Number(row?.blocked_ms ?? 0);
      return {
        outcome: blockedMs > 0 ? "blocked" : "passed",
        used: row ? row.used.split(",").map(Number) : rules.rules.map(() => 0),
        blockedMs,
      };
    },
    async refund(rules, key, cost, call) {
      const units = rules.rules.map(({ tokenUnits }) => Math.min(MOST_UNITS, cost * tokenUnits));
      await ask(statements.refund, rules, key, [prepare(rules).rules, units, now()], call);
    },
    async reset(rules, key, call) {
      await ask(statements.reset, rules, key, [now()], call);
    },
    async block(rules, key, blockMs, call) {
      await ask(statements.block, rules, key, [rules.rules.map(() => 0), blockMs, now()], call);
    },
    async unblock(rules, key, call) {
      await ask(statements.unblock, rules, key, [], call);
    },
    async lease(rules, key, request, call) {
      call?.signal?.throwIfAborted();
      const found = prepare(rules);
      const asked = { subject: subjectOf(found, key), request: leaseText(request), rules: found };
      return await lendInBatches(asked, call?.signal);
    },
    async ensureSchema() {
      await run(ensureSchemaSql(names, { table, schema, unlogged }));
    },
    async cleanUp({ batch = 1000, signal } = {}) {
      if (!Number.isSafeInteger(batch) || batch < 1) {
        throw new RateLimiterError("INVALID_OPTION", `batch is ${batch}; give a whole number >= 1`);
      }
      let deleted = 0;
      for (let after: string | null = ""; after !== null; ) {
        signal?.throwIfAborted();
        const [page]: readonly CleanUpRow[] = await unlessAborted(
          run<CleanUpRow>(statements.cleanUp, [after, batch, now()]),
          signal,
        );
        deleted += Number(page?.deleted ?? 0);
        after = page && Number(page.seen) === batch ? page.last : null;
      }
      return deleted;
    },
    async close() {},
  };
}
