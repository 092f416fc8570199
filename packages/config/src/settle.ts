// One variable at a time: from what the sources have for it to its value, or to the problem with it.

import type { Problem, ProblemKind } from "./config-error.ts";
import type { Parsed } from "./parsed.ts";
import type { Blocked, Candidate, Given, Reading } from "./read-sources.ts";
import { similarNames } from "./similar.ts";
import { shapeOf } from "./text-shape.ts";
import { absent, isForeign, parseDefault, parseText, type VariableSpec } from "./variable.ts";
import { descriptionOf, exampleOf, expectedOf } from "./words.ts";
import { isClosed } from "./zod.ts";

/** A valid variable, and how it came to its value. */
export interface Settled {
  readonly value: unknown;
  readonly by: "source" | "default" | "development default" | "absence";
  readonly given?: Given;
}

/** Something that a service can start with and should not keep. */
export interface Warning {
  readonly variable: string;
  readonly message: string;
}

/** What is known while a configuration is validated, and what is found out. */
export interface Findings {
  readonly production: boolean;
  readonly reading: Reading;
  readonly declared: ReadonlySet<string>;
  readonly settled: Map<string, Settled>;
  readonly problems: Problem[];
  readonly warnings: Warning[];
}

/** Settles each variable by itself. Those whose validators have to be waited for are waited for together. */
export async function settleEach(specs: ReadonlyMap<string, VariableSpec>, findings: Findings): Promise<void> {
  const waiting: Promise<void>[] = [];
  for (const [name, spec] of specs) {
    const chosen = choose(name, findings.reading);
    if (chosen && "blocked" in chosen) {
      findings.problems.push(unreadable(name, spec, chosen));
      continue;
    }
    const parsed = parse(spec, chosen, findings.production);
    if (parsed instanceof Promise) waiting.push(parsed.then((late) => settle(name, spec, chosen, late, findings)));
    else settle(name, spec, chosen, parsed, findings);
  }
  if (waiting.length > 0) await Promise.all(waiting);
}

/** The candidate that wins: the first that is not empty. */
export function choose(name: string, reading: Reading): Candidate | undefined {
  return reading.candidates.get(name)?.find((candidate) => "blocked" in candidate || candidate.found.value !== "");
}

/** What was given for these variables, which no message may repeat. A valid choice out of a schema's own list tells nothing. */
export function givenTexts(specs: ReadonlyMap<string, VariableSpec>, { reading, settled }: Findings): string[] {
  const texts: string[] = [];
  for (const [name, spec] of specs) {
    if (settled.has(name) && (isForeign(spec.kind) ? isClosed(spec.kind) : spec.kind.closed)) continue;
    for (const candidate of reading.candidates.get(name) ?? [])
      if ("found" in candidate) texts.push(candidate.found.value);
  }
  return texts;
}

/** Whether a source failed, so that an absent value may be there after all. */
export function isPartial(reading: Reading): boolean {
  return reading.sources.some(({ failure }) => failure !== undefined);
}

function parse(spec: VariableSpec, given: Given | undefined, production: boolean): Parsed | Promise<Parsed> {
  if (given) return parseText(spec, given.found.value);
  return usesDevDefault(spec, production) ? parseDefault(spec, spec.devDefault) : absent(spec);
}

function usesDevDefault(spec: VariableSpec, production: boolean): boolean {
  return !production && spec.devDefault !== undefined;
}

/** Records what came of a variable that no source blocks. */
export function settle(
  name: string,
  spec: VariableSpec,
  given: Given | undefined,
  parsed: Parsed,
  findings: Findings,
): void {
  const { production, problems, warnings } = findings;
  if (!parsed.ok) {
    problems.push(given ? invalid(name, spec, given, parsed.message) : missing(name, spec, parsed.message, findings));
    return;
  }
  const by = given ? "source" : howAbsent(spec, production, parsed.value);
  const weakness = weaknessOf(spec, given, by);
  if (weakness !== undefined && production) {
    problems.push(problemOf("weak", name, spec, weakness, given ? { origin: given.found.origin } : {}));
    return;
  }
  if (weakness !== undefined) warnings.push({ variable: name, message: `${weakness}; production refuses it` });
  if (!given && spec.recommended !== undefined) {
    warnings.push({ variable: name, message: `is not set, but should be: ${spec.recommended}` });
  }
  findings.settled.set(name, { value: parsed.value, by, ...(given && { given }) });
}

function howAbsent(spec: VariableSpec, production: boolean, value: unknown): Settled["by"] {
  if (usesDevDefault(spec, production)) return "development default";
  // A schema from elsewhere may have a default of its own.
  return value === undefined ? "absence" : "default";
}

function weaknessOf(spec: VariableSpec, given: Given | undefined, by: Settled["by"]): string | undefined {
  if (isForeign(spec.kind) || !spec.kind.weakness || by === "absence") return undefined;
  if (!given) return `is not set and has its ${by}, which stands in the source code`;
  const text = given.found.value;
  if (text === spec.devDefault || text === spec.fallback) return "equals its default, which stands in the source code";
  return text === spec.example ? "equals the documented example" : spec.kind.weakness(text);
}

function unreadable(name: string, spec: VariableSpec, { source, blocked }: Blocked): Problem {
  const { kind = "unreadable", problem, origin = source } = blocked;
  return problemOf(kind, name, spec, problem, { origin });
}

function invalid(name: string, spec: VariableSpec, { found }: Given, message: string): Problem {
  return problemOf("invalid", name, spec, `${message} (${shapeOf(found.value)})`, { origin: found.origin });
}

function missing(name: string, spec: VariableSpec, message: string, { reading, declared }: Findings): Problem {
  const seen = new Set(reading.sources.flatMap((source) => [...(source.names?.() ?? [])]));
  const strangers = [...seen].filter((other) => !declared.has(other));
  const found = reading.candidates.has(name) ? "is set but empty" : message;
  return problemOf("missing", name, spec, isPartial(reading) ? `${found}, as far as could be looked` : found, {
    lookedIn: reading.sources.map((source) => (source.failure ? `${source.name} (failed)` : source.name)),
    similar: similarNames(name, strangers),
  });
}

function problemOf(
  kind: ProblemKind,
  variable: string,
  spec: VariableSpec,
  message: string,
  more: { readonly origin?: string; readonly lookedIn?: readonly string[]; readonly similar?: readonly string[] },
): Problem {
  const description = descriptionOf(spec);
  const example = exampleOf(spec);
  return {
    kind,
    variable,
    message,
    ...(description !== undefined && { description }),
    expected: expectedOf(spec),
    ...(example !== undefined && { example }),
    lookedIn: [],
    similar: [],
    ...more,
  };
}
