// What the demo shows of the ingestion: it is killed in the middle, and its successor loses nothing and doubles nothing.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { startTimelineApi, type TimelineApi } from "../timeline/api.ts";
import { freePort } from "./free-port.ts";
import { say, section, show } from "./page.ts";

const ACCOUNTS = ["ada", "grace"] as const;
const POSTS = 300;
const POSTS_MEANWHILE = 5;
const PAGES_BEFORE_KILL = 7;
const MAIN = join(import.meta.dirname, "../ingest-main.ts");

export async function showIngestion(): Promise<void> {
  section("Ingesting");
  const limit = { requests: 12, windowMs: 1000 };
  const api = await startTimelineApi({ users: ACCOUNTS, posts: POSTS, limit, troubleEvery: 9 });
  const folder = await mkdtemp(join(tmpdir(), "holdfast-demo-"));
  try {
    say(`A timeline API, two accounts with ${POSTS} posts each, 25 a page, the newest first. It answers 12`);
    say("requests a second and the others with 429; each ninth meets a 500 or a connection that is reset.");
    const { pages } = await run(api, folder, PAGES_BEFORE_KILL);
    say(`A process ingests both into files. kill -9 after ${pages} pages. On the disk are:`);
    await showFiles(api, folder, "to come");
    for (const account of ACCOUNTS) for (let n = 0; n < POSTS_MEANWHILE; n++) api.post(account);
    say(
      `Each account posts ${POSTS_MEANWHILE} times more. Then the process is started again, waits a second until the`,
    );
    say("lease of the dead one is over, and goes on from its checkpoint.");
    const { exitCode } = await run(api, folder);
    say(`It ends with ${exitCode}:`);
    await showFiles(api, folder, "missing");
    const { answered, refused, failed, reset } = api.counts;
    say(`The API answered ${answered} requests, ${refused} with 429, ${failed} with 500, and reset ${reset}.`);
  } finally {
    await api.close();
    await rm(folder, { recursive: true });
  }
}

/** Runs one round as a process, and kills it once it has saved so many pages. Resolves when it has ended. */
async function run(
  { url }: TimelineApi,
  folder: string,
  killAfterPages = Number.POSITIVE_INFINITY,
): Promise<{ readonly exitCode: number | null; readonly pages: number }> {
  const child = spawn(process.execPath, [MAIN], {
    env: {
      NODE_OPTIONS: "--disable-warning=ExperimentalWarning",
      TIMELINE_URL: url,
      ACCOUNTS: ACCOUNTS.join(","),
      DATA_FOLDER: folder,
      INGEST_ONCE: "true",
      LEASE_TTL: "1s",
      PORT: String(await freePort()),
    },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const kill = (): void => void child.kill("SIGKILL");
  // The demo leaves nothing behind, however it ends.
  process.once("exit", kill);
  let pages = 0;
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (line.includes('"page saved"') && ++pages === killAfterPages) kill();
  });
  const [exitCode] = (await once(child, "close")) as [number | null];
  process.off("exit", kill);
  return { exitCode, pages };
}

async function showFiles(api: TimelineApi, folder: string, notThere: string): Promise<void> {
  const lines = await Promise.all(
    ACCOUNTS.map(async (account) => {
      const [written, refused] = await Promise.all([
        idsIn(join(folder, `${account}.jsonl`)),
        idsIn(join(folder, `${account}.refused.jsonl`)),
      ]);
      const had = new Set([...written, ...refused]);
      const missing = api.posts(account).filter(({ id }) => !had.has(String(id))).length;
      const doubled = written.length + refused.length - had.size;
      const parts = [
        `${account.padEnd(6)} ${String(api.posts(account).length).padStart(4)} posts:`,
        `${String(written.length).padStart(4)} written,`,
        `${refused.length} withheld and put aside,`,
        `${missing} ${notThere}, ${doubled} doubled`,
      ];
      return parts.join(" ");
    }),
  );
  show(lines.join("\n"));
}

/** Of whole lines: what a kill left torn is cut off by the next start. */
async function idsIn(file: string): Promise<readonly string[]> {
  const text = await readFile(file, "utf8").catch(() => "");
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => {
      const { id, record } = JSON.parse(line) as { readonly id?: string; readonly record?: { readonly id: unknown } };
      return id ?? String(record?.id);
    });
}
