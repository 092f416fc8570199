import { freePort } from "@holdfast/testing";
import { describe, expect, it } from "vitest";
import { type Child, startFile } from "./child.ts";
import { idsAtTheApi, idsOnDisk, newFolder, startTimeline } from "./ingestion.ts";

const UNHURRIED = { timeout: 60_000 };

/** What the next instance waits for after a kill, and what a busy machine has for renewing it. */
const LEASE_TTL = "3s";

async function startMain(env: Readonly<Record<string, string>>): Promise<Child> {
  const PORT = String(await freePort());
  return startFile("ingest-main.ts", { env: { PORT, ACCOUNTS: "ada,grace", LEASE_TTL, ...env } });
}

describe("the ingestion as a process", UNHURRIED, () => {
  it("is killed in the middle, again and again, and has every post once in the end", async () => {
    const api = await startTimeline({ posts: 1000, troubleEvery: 7 });
    const env = { TIMELINE_URL: api.url, DATA_FOLDER: newFolder(), INGEST_ONCE: "true" };
    for (let turn = 0; turn < 2; turn++) {
      const { line, kill, exited } = await startMain(env);
      await line(/"page saved"/);
      kill("SIGKILL");
      await exited;
      api.post("ada");
    }
    const { exited } = await startMain(env);
    expect(await exited).toEqual({ code: 0, signal: null });
    for (const account of ["ada", "grace"]) {
      expect(idsOnDisk(env.DATA_FOLDER, account)).toEqual(idsAtTheApi(api, account));
    }
  });

  it("finishes its page on SIGTERM, and exits with 0", async () => {
    const api = await startTimeline();
    const { line, kill, ended } = await startMain({ TIMELINE_URL: api.url, DATA_FOLDER: newFolder() });
    await line(/"page saved"/);
    kill("SIGTERM");
    expect(await ended).toEqual({ code: 0, signal: null });
  });

  it("exits with 1 where an account of its only round failed, and with 78 where the configuration is wrong", async () => {
    const api = await startTimeline();
    const env = { TIMELINE_URL: api.url, DATA_FOLDER: newFolder(), INGEST_ONCE: "true" };
    expect((await (await startMain({ ...env, ACCOUNTS: "nobody" })).ended).code).toBe(1);
    expect((await (await startMain({ ...env, INGEST_EVERY: "60" })).ended).code).toBe(78);
  });
});
