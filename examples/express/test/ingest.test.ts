import { linkSource, type Source, type SourceNotice, tokenSource } from "@holdfast/checkpoint/ingest";
import { systemClock } from "@holdfast/core";
import { createHttpClient } from "@holdfast/http-retry";
import { startScriptedServer } from "@holdfast/http-retry/testing";
import { describe, expect, it, onTestFinished } from "vitest";
import type { TimelineApi, TimelineOptions } from "../src/timeline/api.ts";
import {
  idsAtTheApi,
  idsOnDisk,
  ingestSettings,
  newFolder,
  readLines,
  startIngestion,
  startTimeline,
} from "./ingestion.ts";

// Waits after a 429 are whole seconds, and the machine may have other work too.
const UNHURRIED = { timeout: 60_000 };

/** Refuses a request after each eight, however slowly they come: each refusal is a second of its time, and nothing else is. */
async function startBusyTimeline(options: Partial<TimelineOptions> = {}): Promise<TimelineApi> {
  const clock = { ...systemClock, monotonic: () => api.counts.refused * 1000 };
  const api: TimelineApi = await startTimeline({ limit: { requests: 8, windowMs: 1000 }, clock, ...options });
  return api;
}

describe("the ingestion", UNHURRIED, () => {
  it("has every post once, through refusals, failures and resets, and puts aside what is none", async () => {
    const api = await startBusyTimeline({ troubleEvery: 5 });
    const folder = newFolder();
    const { done } = await startIngestion({ TIMELINE_URL: api.url, DATA_FOLDER: folder });
    expect(await done).toBe(true);
    for (const account of ["ada", "grace"]) {
      expect(idsOnDisk(folder, account)).toEqual(idsAtTheApi(api, account));
      const refused = readLines<{ reason: string; record: { text: null } }>(folder, `${account}.refused.jsonl`);
      expect(refused.map(({ record }) => record.text)).toEqual([null, null]);
      expect(refused[0]?.reason).toMatch(/^text: /);
    }
    expect(api.counts.refused).toBeGreaterThan(0);
    expect(api.counts.failed + api.counts.reset).toBeGreaterThan(1);
  });

  it("goes on from its checkpoint, and asks for what came since alone", async () => {
    const api = await startTimeline();
    const env = { TIMELINE_URL: api.url, DATA_FOLDER: newFolder() };
    const first = await startIngestion(env);
    await first.done;
    await first.stop();
    const before = api.counts.answered;
    api.post("ada");
    const second = await startIngestion(env);
    expect(await second.done).toBe(true);
    expect(idsOnDisk(env.DATA_FOLDER, "ada")).toEqual(idsAtTheApi(api, "ada"));
    // One page with the new post and one without any for ada, one for grace.
    expect(api.counts.answered - before).toBe(3);
  });

  it("says how it is, and what it counted", async () => {
    const api = await startBusyTimeline();
    const { url, done } = await startIngestion({ TIMELINE_URL: api.url, DATA_FOLDER: newFolder() });
    await done;
    const health = await fetch(`${url}/api/health`);
    expect([health.status, await health.json()]).toEqual([200, expect.objectContaining({ status: "ok" })]);
    const metrics = await (await fetch(`${url}/api/metrics`, { headers: { accept: "text/plain" } })).text();
    expect(metrics).toContain('holdfast_ingest_records_total{stream="posts",outcome="processed"} 236');
    expect(metrics).toContain('holdfast_ingest_records_total{stream="posts",outcome="failed"} 4');
    expect(metrics).toMatch(/^holdfast_ingest_rate_limited_total\{stream="posts"\} [1-9]/m);
    expect(metrics).toMatch(/^holdfast_ingest_checkpoint_timestamp_seconds\{stream="posts"\} \d{10}/m);
    expect(metrics).toMatch(/^holdfast_http_retry_retries_total\{.*reason="429",delay_from="retry-after"\} [1-9]/m);
  });

  it("says which account failed, goes on with the others, and is degraded", async () => {
    const api = await startTimeline();
    const env = { TIMELINE_URL: api.url, DATA_FOLDER: newFolder(), ACCOUNTS: "nobody,ada" };
    const { url, done, log } = await startIngestion(env);
    expect(await done).toBe(false);
    expect(idsOnDisk(env.DATA_FOLDER, "ada")).toEqual(idsAtTheApi(api, "ada"));
    expect(log).toContainEqual(expect.objectContaining({ msg: "run ended", key: "posts:nobody", how: "failed" }));
    expect(await (await fetch(`${url}/api/health`)).json()).toMatchObject({ status: "degraded" });
  });

  it("goes round again until it is stopped", async () => {
    const api = await startTimeline({ posts: 1 });
    const env = { TIMELINE_URL: api.url, DATA_FOLDER: newFolder() };
    const { done, stop, log } = await startIngestion(env, { INGEST_ONCE: false, INGEST_EVERY: 1 });
    await expect
      .poll(() => log.filter(({ msg }) => msg === "run ended").length, { timeout: 30_000 })
      .toBeGreaterThan(5);
    expect(await stop()).toBe(0);
    expect(await done).toBe(true);
  });
});

describe("its configuration", () => {
  it("needs the API and the accounts, and takes no account that is no file's name", async () => {
    await expect(ingestSettings({})).rejects.toMatchObject({
      problems: [{ variable: "TIMELINE_URL" }, { variable: "ACCOUNTS" }],
    });
    const env = { TIMELINE_URL: "http://127.0.0.1", ACCOUNTS: "ada, ../grace" };
    await expect(ingestSettings(env)).rejects.toMatchObject({ problems: [{ variable: "ACCOUNTS" }] });
  });
});

describe("http-retry's client under a source", () => {
  async function readAll<Cursor>(source: Source<Cursor>, cursor?: Cursor) {
    const told: SourceNotice[] = [];
    const records: unknown[] = [];
    const { signal } = new AbortController();
    const tell = (notice: SourceNotice): void => void told.push(notice);
    for await (const page of source.pages(cursor, { signal, tell })) records.push(...page.records);
    return { told, records };
  }
  const client = createHttpClient({ baseDelay: "1ms", retries: 2 });
  const get = (url: string, call: { readonly signal: AbortSignal }) => client.get(url, call);

  it("shows it the Link header", async () => {
    const server = await startScriptedServer([{ body: "[1]", headers: { link: '</2>; rel="next"' } }, { body: "[2]" }]);
    onTestFinished(() => server.close());
    expect((await readAll(linkSource({ get, url: server.origin }))).records).toEqual([1, 2]);
  });

  it("lets it begin again where a saved token has expired", async () => {
    const server = await startScriptedServer([{ status: 410 }, { body: '[{"id":"7"}]' }]);
    onTestFinished(() => server.close());
    const source = tokenSource({
      get,
      url: ({ token, since }) => `${server.origin}/?token=${token}&since=${since}`,
      next: () => undefined,
      position: (record) => (record as { readonly id: string }).id,
    });
    const { told, records } = await readAll(source, { token: "old", since: "5", highest: "6" });
    expect(records).toEqual([{ id: "7" }]);
    expect(told).toEqual([{ kind: "token-expired" }]);
    expect(server.requests.map(({ url }) => url)).toEqual(["/?token=old&since=5", "/?token=null&since=5"]);
  });

  it("tells it what was waited after a 429", async () => {
    const server = await startScriptedServer([{ status: 429, headers: { "retry-after": "0" } }, { body: "[1]" }]);
    onTestFinished(() => server.close());
    const { told } = await readAll(linkSource({ get, url: server.origin }));
    expect(told).toEqual([{ kind: "rate-limited", waitMs: expect.any(Number) }]);
  });
});
