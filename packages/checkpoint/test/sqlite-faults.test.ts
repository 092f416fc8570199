import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sqliteStore } from "../src/stores/sqlite.ts";
import { onSmallDisk } from "./small-disk.ts";

const CHILD = join(import.meta.dirname, "children/sqlite-on-mount.ts");
/** Node takes a while to start, and the disk to sync, the longer the busier the machine is. */
const BUSY_MACHINE = { timeout: 120_000 };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "holdfast-sqlite-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe.each(["WAL", "DELETE"])("a database in journal mode %s", (journal) => {
  it.each([0, 2])(
    "whose disk is full is STORE_FAILED, and the old version stands; %i are kept",
    BUSY_MACHINE,
    async (keep) => {
      const fill = "head -c 10M /dev/zero > filler; true";
      const [first, full, again] = await onSmallDisk(CHILD, folder, 1000, [
        ...[journal, "60000", `${keep}`],
        ...[fill, "rm filler"],
      ]);
      expect(first).toEqual({ saved: "saved", stands: "0", version: 1 });
      expect(full).toEqual({
        saved: { code: "STORE_FAILED", message: expect.stringMatching(/full|disk I\/O/) },
        stands: "0",
        version: 1,
      });
      expect(again).toEqual({ saved: "saved", stands: "2", version: 2 });
    },
  );

  it.each([0, 2])(
    "that another reads is saved to, or BUSY, but never said to be saved when it is not; %i are kept",
    BUSY_MACHINE,
    async (keep) => {
      const open = (): DatabaseSync => {
        const database = new DatabaseSync(join(folder, "database"));
        database.exec(`PRAGMA journal_mode = ${journal}; PRAGMA busy_timeout = 0`);
        return database;
      };
      const [one, other] = [open(), open()];
      const store = sqliteStore({ database: one });
      await store.save("a", "1", { savedAt: 1 });
      other.exec("BEGIN");
      other.prepare("SELECT * FROM checkpoint").all();
      const saving = store.save("a", "2", { savedAt: 2, keep });
      if (journal === "WAL") expect(await saving).toMatchObject({ ok: true });
      else await expect(saving).rejects.toMatchObject({ code: "BUSY" });
      other.exec("COMMIT");
      const stands = other.prepare("SELECT data, version FROM checkpoint").get();
      expect({ ...stands }).toEqual(journal === "WAL" ? { data: "2", version: 2 } : { data: "1", version: 1 });
      // Nothing is left open that would keep others out.
      other.exec("BEGIN IMMEDIATE; COMMIT");
      expect(await store.save("a", "3", { savedAt: 3, keep })).toMatchObject({ ok: true });
      one.close();
      other.close();
    },
  );
});
