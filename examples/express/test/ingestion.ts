// The ingestion and its timeline API, with what both leave on the disk.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig, values } from "@holdfast/config";
import { onTestFinished } from "vitest";
import { type IngestSettings, schema } from "../src/ingest/config.ts";
import { type IngestService, startIngestService } from "../src/ingest/service.ts";
import { startTimelineApi, type TimelineApi, type TimelineOptions } from "../src/timeline/api.ts";
import { type LogEntry, memoryLog } from "./site.ts";

export async function startTimeline(options: Partial<TimelineOptions> = {}): Promise<TimelineApi> {
  const api = await startTimelineApi({ users: ["ada", "grace"], posts: 120, ...options });
  onTestFinished(() => api.close());
  return api;
}

export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "ingestion-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

export function ingestSettings(env: Readonly<Record<string, string>>): Promise<IngestSettings> {
  return loadConfig(schema, { sources: [values(env)] });
}

/** In this process, on a port that is free, for one round unless it is told otherwise. */
export async function startIngestion(
  env: Readonly<Record<string, string>>,
  changes: Partial<IngestSettings> = {},
): Promise<IngestService & { readonly log: readonly LogEntry[] }> {
  const { log, logger } = memoryLog();
  const config = {
    ...(await ingestSettings({ ACCOUNTS: "ada,grace", ...env })),
    PORT: 0,
    INGEST_ONCE: true,
    ...changes,
  };
  const service: IngestService = await startIngestService({ config, logger });
  onTestFinished(async () => void (await service.stop()));
  return { ...service, log };
}

/** Of a file of JSON lines. */
export function readLines<Line>(folder: string, file: string): readonly Line[] {
  const lines = readFileSync(join(folder, file), "utf8").split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Line);
}

/** Ids of an account's posts as the API has them, without those that are withheld; the smallest first. */
export function idsAtTheApi(api: TimelineApi, account: string): readonly string[] {
  const shown = api.posts(account).filter(({ text }) => text !== null);
  return shown.map(({ id }) => String(id)).sort();
}

export function idsOnDisk(folder: string, account: string): readonly string[] {
  return readLines<{ readonly id: string }>(folder, `${account}.jsonl`)
    .map(({ id }) => id)
    .sort();
}
