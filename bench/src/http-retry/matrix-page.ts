// The matrix as a page of the documentation.

import type { Entry } from "./matrix-ask.ts";
import type { Case } from "./matrix-case.ts";
import type { Verdict } from "./matrix-run.ts";

export function matrixPage(verdicts: readonly Verdict[], versionOf: (entry: Entry) => string): string {
  const cases = [...new Set(verdicts.map((verdict) => verdict.case))];
  const entries = [...new Set(verdicts.map(({ entry }) => entry))];
  const cellOf = (one: Case, entry: Entry): string => {
    const fault = verdicts.find((verdict) => verdict.case === one && verdict.entry === entry)?.fault;
    return fault === undefined ? "right" : `**${fault}**`;
  };
  return [
    "# HTTP clients against servers that misbehave",
    "",
    "A server on loopback misbehaves in one way, and each client is called, with nothing set but what the case names.",
    "Each cell is right or names what was wrong. `pnpm bench http-retry-matrix` runs all of it, takes a minute, and writes",
    "this page. Delays are measured, so a machine that is very busy can spoil a cell.",
    "",
    "## Who takes part",
    "",
    ...table(
      ["", "how it is called", "version"],
      entries.map((entry) => [entry.name, entry.setUp, versionOf(entry)]),
    ),
    "",
    "The first three are this package: its client, the client's fetch, and its interceptor. undici.request follows no redirects,",
    "so there are none to go wrong under the interceptor. A fetch over it follows them by itself and takes `X-Api-Key` along;",
    "the client's fetch does not.",
    "",
    "## What they do",
    "",
    ...table(
      ["", ...entries.map(({ name }) => name)],
      [
        ...cases.map((one, index) => [`${index + 1}. ${one.name}`, ...entries.map((entry) => cellOf(one, entry))]),
        [`right, of ${cases.length}`, ...entries.map((entry) => String(countRight(verdicts, entry)))],
      ],
    ),
    "",
    "## What is right",
    "",
    ...table(
      ["", "what a client must do"],
      cases.map((one, index) => [`${index + 1}. ${one.name}`, one.right]),
    ),
    "",
  ].join("\n");
}

export function countRight(verdicts: readonly Verdict[], of: Entry): number {
  return verdicts.filter(({ entry, fault }) => entry === of && fault === undefined).length;
}

function table(headings: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(headings), line(headings.map(() => "---")), ...rows.map(line)];
}
