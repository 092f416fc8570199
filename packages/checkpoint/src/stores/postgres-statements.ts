// What the store says to Postgres. Each change is one statement, so that it needs no transaction of its own.

export type Statements = Readonly<
  Record<
    | "create"
    | "read"
    | "save"
    | "saveFirst"
    | "saveOver"
    | "saveKeeping"
    | "delete"
    | "grantFirst"
    | "grant"
    | "renew"
    | "list"
    | "versions",
    string
  >
>;

const COLUMNS = "key, version, data, saved_at, fence, holder, beat";
/** Of a save: the others are what it was given, and would come back as a copy. */
const SAVED = "version, fence, holder, beat";

/** @param name of the table, and of that of earlier versions, both quoted */
export function statementsFor(name: string, versions: string): Statements {
  const holds = (ifVersion: string, fence: string): string => `
      (${ifVersion}::bigint IS NULL OR CASE WHEN ${ifVersion}::bigint = 0 THEN c.data IS NULL ELSE c.data IS NOT NULL AND c.version = ${ifVersion}::bigint END)
      AND (${fence}::bigint IS NULL OR c.fence = ${fence}::bigint)`;
  const put = (only: string): string => `
INSERT INTO ${name} AS c (key, version, data, saved_at, note) VALUES ($1, 1, $2, $3, $4)
ON CONFLICT (key) DO UPDATE
   SET version = c.version + 1, data = excluded.data, saved_at = excluded.saved_at, note = excluded.note, kept = 0 ${only}
RETURNING ${SAVED}`;

  return {
    create: `
  CREATE TABLE IF NOT EXISTS ${name} (
    -- UTF-8, since a text of Postgres holds no NUL, and is ordered by a language.
    key bytea PRIMARY KEY,
    version bigint NOT NULL,
    data text,
    saved_at bigint NOT NULL,
    note text,
    fence bigint NOT NULL DEFAULT 0,
    holder text,
    beat bigint NOT NULL DEFAULT 0,
    -- How many earlier versions count. What is in the other table beside those waits to be deleted with the next that is kept.
    kept bigint NOT NULL DEFAULT 0
  ) WITH (fillfactor = 80);
  CREATE TABLE IF NOT EXISTS ${versions} (
    key bytea NOT NULL,
    version bigint NOT NULL,
    data text NOT NULL,
    saved_at bigint NOT NULL,
    note text,
    PRIMARY KEY (key, version)
  );`,

    read: `SELECT ${COLUMNS} FROM ${name} WHERE key = $1`,

    // key, data, savedAt, note
    save: put(""),

    // The same, where there is to be no data
    saveFirst: put("WHERE c.data IS NULL"),

    // key, data, savedAt, note, ifVersion, fence: where there has to be a row
    saveOver: `
UPDATE ${name} AS c SET version = c.version + 1, data = $2, saved_at = $3, note = $4, kept = 0
 WHERE c.key = $1 AND ${holds("$5", "$6")}
RETURNING ${SAVED}`,

    // The same, whether there is a row or not, and how many to keep. The row is locked before it is copied, so that the copy is of what the update finds.
    saveKeeping: `
WITH before AS (
  SELECT * FROM ${name} WHERE key = $1 FOR UPDATE
), updated AS (
  UPDATE ${name} AS c SET version = c.version + 1, data = $2, saved_at = $3, note = $4, kept = $7::bigint
    FROM before
   WHERE c.key = $1 AND before.version = c.version AND ${holds("$5", "$6")}
  RETURNING ${SAVED.replace(/\w+/g, "c.$&")}
), kept AS (
  INSERT INTO ${versions} (key, version, data, saved_at, note)
  SELECT before.key, before.version, before.data, before.saved_at, before.note
    FROM before, updated
   WHERE before.data IS NOT NULL
), pruned AS (
  DELETE FROM ${versions} AS v USING before, updated
   WHERE v.key = $1 AND v.version < greatest(updated.version - $7::bigint, before.version - before.kept)
), inserted AS (
  INSERT INTO ${name} (key, version, data, saved_at, note)
  SELECT $1, 1, $2, $3, $4
   WHERE coalesce($5::bigint, 0) = 0 AND $6::bigint IS NULL AND NOT EXISTS (SELECT FROM ${name} WHERE key = $1)
  ON CONFLICT DO NOTHING
  RETURNING ${SAVED}
)
SELECT * FROM updated UNION ALL SELECT * FROM inserted`,

    // key, ifVersion, fence
    delete: `
WITH deleted AS (
  UPDATE ${name} AS c SET version = c.version + 1, data = NULL, note = NULL
   WHERE c.key = $1 AND c.data IS NOT NULL AND ${holds("$2", "$3")}
  RETURNING ${COLUMNS}
), pruned AS (
  DELETE FROM ${versions} WHERE key = $1 AND EXISTS (SELECT FROM deleted)
)
SELECT * FROM deleted`,

    // key, holder
    grantFirst: `
INSERT INTO ${name} (key, version, saved_at, fence, holder, beat) VALUES ($1, 0, 0, 1, $2, 1)
ON CONFLICT DO NOTHING
RETURNING ${COLUMNS}`,

    // key, holder, and the fence and beat that were seen
    grant: `
UPDATE ${name} SET fence = fence + 1, holder = $2, beat = beat + 1
 WHERE key = $1 AND fence = $3 AND beat = $4
RETURNING ${COLUMNS}`,

    // key, fence, whether to release
    renew: `
UPDATE ${name} SET beat = beat + 1, holder = CASE WHEN $3::boolean THEN NULL ELSE holder END
 WHERE key = $1 AND fence = $2 AND holder IS NOT NULL
RETURNING ${COLUMNS}`,

    // prefix, its length, the key to go on after, how many
    list: `
SELECT ${COLUMNS.replace("data", "NULL AS data")} FROM ${name}
 WHERE key >= $1 AND substring(key FROM 1 FOR $2::int) = $1 AND data IS NOT NULL AND ($3::bytea IS NULL OR key > $3)
 ORDER BY key
 LIMIT $4::int`,

    versions: `
SELECT version, data, saved_at, note FROM ${name} WHERE key = $1 AND data IS NOT NULL
UNION ALL
SELECT v.version, v.data, v.saved_at, v.note
  FROM ${versions} AS v, ${name} AS c
 WHERE c.key = $1 AND v.key = $1 AND v.version >= c.version - c.kept
 ORDER BY version DESC`,
  };
}
