// Ours and its peers each in a fresh process, again and again: for what happens once in a process, such as an import.

import { spawn } from "node:child_process";
import { type Comparison, contrast, takeTurns } from "./harness-compare.ts";

/** Paths of scripts, each of which calls `report` once. All report the same figures. */
export interface Scripts {
  readonly ours: string;
  readonly peers: Readonly<Record<string, string>>;
}

export interface FreshProcessOptions {
  /** Default 15. One more, not counted, goes before them and fills the machine's file cache. */
  readonly rounds?: number | undefined;
  /** For Node: `["--expose-gc"]`. */
  readonly nodeArguments?: readonly string[] | undefined;
  /** For the scripts. */
  readonly scriptArguments?: readonly string[] | undefined;
  /** Chooses the order of the scripts in each round. Default Math.random. */
  readonly random?: (() => number) | undefined;
}

type Figures = Readonly<Record<string, number>>;

/** Called by a script: hands its figures to the process that started it. */
export function report(figures: Figures): void {
  console.log(JSON.stringify(figures));
}

/** Runs each script once a round; resolves to a comparison for each figure that the scripts report. */
export async function freshProcesses(
  scripts: Scripts,
  options: FreshProcessOptions = {},
): Promise<Readonly<Record<string, Comparison>>> {
  const { rounds = 15, nodeArguments = [], scriptArguments = [], random = Math.random } = options;
  const all = { ...scripts.peers, ours: scripts.ours };
  const figuresOf = (script: string): Promise<Figures> => run([...nodeArguments, script, ...scriptArguments]);

  await takeTurns(all, figuresOf, random);
  const turns: Record<string, Figures>[] = [];
  for (let round = 0; round < rounds; round++) turns.push(await takeTurns(all, figuresOf, random));
  const names = Object.keys(turns[0]?.["ours"] ?? {});
  return Object.fromEntries(names.map((name) => [name, contrast(turns.map((turn) => pick(turn, name)))]));
}

function pick(turn: Readonly<Record<string, Figures>>, figure: string): Record<string, number> {
  return Object.fromEntries(Object.entries(turn).map(([side, figures]) => [side, figures[figure] ?? Number.NaN]));
}

function run(command: readonly string[]): Promise<Figures> {
  const child = spawn(process.execPath, command, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      const figures = code === 0 ? lastJson(output) : undefined;
      if (figures) resolve(figures);
      else
        reject(
          new Error(`node ${command.join(" ")} ended with code ${code} and without figures; it printed:\n${output}`),
        );
    });
  });
}

/** The figures are the last line: a peer may print a notice of its own before. */
function lastJson(output: string): Figures | undefined {
  try {
    return JSON.parse(output.trimEnd().split("\n").at(-1) ?? "") as Figures;
  } catch {
    return undefined;
  }
}
