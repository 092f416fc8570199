// Rows as people read them: judged against their goals, aligned on a terminal, and as a page of bench/results.

import type { Goal, Row } from "./harness-row.ts";
import type { Summary } from "./harness-statistics.ts";

export type Verdict = "met" | "MISSED" | "shown";

/** @throws Error when the goal bounds a ratio and the row has no peer */
export function judge(row: Row): Verdict {
  const { goal } = row;
  if (!goal) return "shown";
  const judged = goal.of === "ours" ? row.ours : row.peer?.ratio;
  if (!judged) throw new Error(`the goal of "${row.name}" bounds a ratio, but the row has no peer`);
  const met = "atLeast" in goal ? judged.median >= goal.atLeast : judged.median <= goal.atMost;
  return met ? "met" : "MISSED";
}

const HEADINGS = ["", "ours", "peer", "ratio", "goal", ""];

/** One line a row under a line of headings, in columns that line up. */
export function table(rows: readonly Row[]): string {
  const cells = [HEADINGS, ...rows.map(cellsOf)];
  const widths = HEADINGS.map((_, column) => Math.max(...cells.map((line) => (line[column] ?? "").length)));
  return cells
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

export interface Facts {
  readonly date: string;
  readonly node: string;
  readonly platform: string;
  readonly cpu: string;
  readonly cores: number;
}

/** The page that says what was measured, where, when and against which versions. */
export function page(name: string, rows: readonly Row[], facts: Facts, versionOf: (peer: string) => string): string {
  const versions = new Map(
    rows.flatMap(({ peer }) => (peer ? [[peer.name, peer.version ?? versionOf(peer.name)] as const] : [])),
  );
  const peers = [...versions].map(([peer, version]) => `${peer} ${version}`).join(", ");
  const lines = rows.map((row) => `| ${cellsOf(row).map(escapeCell).join(" | ")} |`);
  return [
    `# ${name}`,
    "",
    `Written by \`pnpm bench ${name}\`. Medians, with the quartiles in brackets; a ratio is ours divided by the peer's, round by round.`,
    "",
    `- Date: ${facts.date}`,
    `- Machine: ${facts.cpu}, ${facts.cores} ${facts.cores === 1 ? "core" : "cores"}, ${facts.platform}`,
    `- Node.js: ${facts.node}`,
    ...(peers === "" ? [] : [`- Peers: ${peers}`]),
    "",
    "| What | Ours | Peer | Ratio | Goal | |",
    "| --- | --- | --- | --- | --- | --- |",
    ...lines,
    "",
  ].join("\n");
}

function cellsOf(row: Row): string[] {
  const { name, unit, ours, peer, goal } = row;
  return [
    name,
    figure(ours, unit),
    peer ? `${peer.name} ${figure(peer.value, unit)}` : "-",
    peer ? spread(peer.ratio, "x") : "-",
    goal ? bound(goal, unit) : "-",
    judge(row),
  ];
}

function figure(summary: Summary, unit: string): string {
  return spread(summary, ` ${unit}`);
}

function spread({ median, low, high, rounds }: Summary, suffix: string): string {
  return rounds === 1 ? `${short(median)}${suffix}` : `${short(median)}${suffix} [${short(low)}, ${short(high)}]`;
}

function bound(goal: Goal, unit: string): string {
  const value = "atLeast" in goal ? `>= ${short(goal.atLeast)}` : `<= ${short(goal.atMost)}`;
  return `${value}${goal.of === "ratio" ? "x" : ` ${unit}`}`;
}

/** Three figures that mean something: 1.34, 20.5, 12,300, 4,120,000. */
function short(value: number): string {
  return new Intl.NumberFormat("en", { maximumSignificantDigits: 3 }).format(value);
}

function escapeCell(cell: string): string {
  return cell.replaceAll("|", "\\|");
}
