import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, it, onTestFinished } from "vitest";

const CHILD = join(import.meta.dirname, "children/file-without-handles.ts");

interface Round {
  readonly free: number;
  readonly isNew: boolean;
  readonly read: unknown;
  readonly saved: unknown;
  readonly data: string;
  readonly stands: string;
}

it("a process that may open no more files fails loudly, loses nothing, and goes on when it may", {
  timeout: 120_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-handles-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const script = 'ulimit -n 100 && exec "$@"';
  const run = spawn("sh", ["-c", script, "sh", process.execPath, CHILD, folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const { rounds, again, left } = JSON.parse(await text(run.stdout)) as {
    rounds: Round[];
    again: boolean;
    left: string[];
  };

  let stood = "0";
  for (const { free, isNew, read, saved, data, stands } of rounds) {
    const at = `${free} free, in a ${isNew ? "new" : "kept"} store`;
    const refusal = { code: "STORE_FAILED", message: expect.stringMatching(/EMFILE.*let the process open more files/) };
    if (read !== "read") expect(read, at).toEqual(refusal);
    if (saved !== "saved")
      expect(saved, at).toMatchObject({ code: "STORE_FAILED", message: expect.stringContaining("EMFILE") });
    // Replaced, and only the folder could not be synced: that is told, too.
    expect(saved === "saved" ? [data] : [stood, data], at).toContain(stands);
    stood = stands;
  }
  const none = rounds.filter(({ free }) => free === 0);
  expect(none.flatMap(({ read, saved }) => [read, saved])).not.toContain("saved");
  const last = rounds.at(-1);
  expect([last?.read, last?.saved]).toEqual(["read", "saved"]);
  expect(again).toBe(true);
  expect(left).toEqual(["k-a.checkpoint"]);
});
