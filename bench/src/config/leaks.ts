// Who prints a secret that was mistyped: each library is shown nine at once, and everything that comes out is searched.

import { execFile } from "node:child_process";
import type { Row } from "../harness.ts";
import { summarise } from "../harness.ts";
import { type MistypedSecret, mistypedSecrets } from "./environment.ts";

/** Of a secret, a piece this long in a log is one too many. */
const PIECE = 8;

/** A row for each kind of secret: how many of ours print it, and in its name which of the peers do. */
export async function leakRows(ours: readonly string[], peers: Readonly<Record<string, string>>): Promise<Row[]> {
  const own = await Promise.all(ours.map(leaksOf));
  const others = await Promise.all(
    Object.entries(peers).map(async ([name, script]) => ({ name, leaks: await leaksOf(script) })),
  );
  return mistypedSecrets.map((secret) => {
    const printers = others.filter(({ leaks }) => leaks.has(secret)).map(({ name }) => name);
    return {
      name: `${secret.kind}, mistyped (printed by ${printers.join(", ") || "no peer"})`,
      unit: "leaks",
      better: "lower",
      ours: summarise([own.filter((leaks) => leaks.has(secret)).length]),
      goal: { of: "ours", atMost: 0 },
    };
  });
}

async function leaksOf(script: string): Promise<ReadonlySet<MistypedSecret>> {
  const output = await outputOf(script);
  const accepted = mistypedSecrets.find(({ variable }) => !output.includes(variable));
  if (accepted) throw new Error(`${script} does not refuse ${accepted.kind}; it printed:\n${output}`);
  return new Set(mistypedSecrets.filter(({ hidden }) => piecesOf(hidden).some((piece) => output.includes(piece))));
}

function outputOf(script: string): Promise<string> {
  return new Promise((resolve) => {
    // Some libraries end the process by a code of their own: what counts is what they printed.
    execFile(process.execPath, [script, "secrets"], (_error, stdout, stderr) => resolve(stdout + stderr));
  });
}

function piecesOf(text: string): string[] {
  return Array.from({ length: text.length - PIECE + 1 }, (_, start) => text.slice(start, start + PIECE));
}
