// The report of a failed load as text for people: problem by problem, aligned, no wider than the terminal.

import { ConfigError, type Problem } from "./config-error.ts";
import { printable } from "./redact.ts";

export interface ReportStyle {
  /** Columns. Default 96. */
  readonly width?: number;
  readonly colour?: boolean;
}

export function invalidConfig(problems: readonly Problem[]): ConfigError {
  return new ConfigError("CONFIG_INVALID", formatReport(problems), problems);
}

export function formatReport(problems: readonly Problem[], style: ReportStyle = {}): string {
  const { width = 96, colour = false } = style;
  const paint = (format: "bold" | "red" | "dim", text: string): string => (colour ? sgr(format, text) : text);
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  const lines = [paint("bold", `Configuration is not valid: ${count}`)];
  for (const problem of problems) {
    const [head = "", ...more] = wrap(`${subject(problem)} ${printable(problem.message)}`, width - 4);
    const painted = head.startsWith(subject(problem))
      ? paint("red", subject(problem)) + head.slice(subject(problem).length)
      : head;
    lines.push("", `  ${painted}`, ...more.map((line) => `    ${line}`));
    for (const [label, text] of details(problem)) {
      const [first = "", ...rest] = wrap(printable(text), width - 16);
      lines.push(`    ${paint("dim", label.padEnd(10))}  ${first}`, ...rest.map((line) => " ".repeat(16) + line));
    }
  }
  return lines.join("\n");
}

function subject(problem: Problem): string {
  return problem.variable ?? problem.source ?? "The configuration";
}

function details(problem: Problem): [label: string, text: string][] {
  const { description, expected, example, origin, lookedIn, similar } = problem;
  const all: [string, string | undefined][] = [
    ["what it is", description],
    ["expected", expected],
    ["example", example],
    ["found in", origin],
    ["looked in", lookedIn.join(", ")],
    [
      "similar",
      similar.length > 0 ? `${similar.join(", ")} ${similar.length > 1 ? "are" : "is"} set: a misspelling?` : "",
    ],
  ];
  return all.filter((entry): entry is [string, string] => Boolean(entry[1]));
}

/** Breaks at spaces; a word longer than the line stays whole, so that it can be copied. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** By node:util's table of escape sequences, got where it is needed: it is not free to import. */
function sgr(format: "bold" | "red" | "dim", text: string): string {
  return process.getBuiltinModule("node:util").styleText(format, text, { validateStream: false });
}
