import { Secret } from "@holdfast/core";
import { serverUrl } from "@holdfast/testing";
import pg from "pg";
import { describe, expect, it, onTestFinished } from "vitest";
import { idsAtTheApi, newFolder, startIngestion, startTimeline } from "./ingestion.ts";

describe("the ingestion with Postgres", { timeout: 60_000 }, () => {
  it("has every post once, and goes on where it was", async () => {
    const api = await startTimeline({ troubleEvery: 5 });
    const env = { TIMELINE_URL: api.url, DATA_FOLDER: newFolder() };
    const changes = { DATABASE_URL: new Secret(serverUrl("postgres")) };
    const client = new pg.Client(serverUrl("postgres"));
    await client.connect();
    onTestFinished(() => client.end());
    for (let round = 0; round < 2; round++) {
      const { done, stop } = await startIngestion(env, changes);
      expect(await done).toBe(true);
      await stop();
      for (const account of ["ada", "grace"]) {
        const { rows } = await client.query("SELECT id FROM post WHERE account = $1 ORDER BY id", [account]);
        expect(rows.map(({ id }) => id)).toEqual(idsAtTheApi(api, account));
      }
      api.post("ada");
      // Said a moment ago, in the same millisecond perhaps.
      api.post("grace");
    }
  });
});
