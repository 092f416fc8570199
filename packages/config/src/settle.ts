// One variable at a time: from what the sources have for it to its value, or to the problem with it.

import type { Problem, ProblemKind } from "./config-error.ts";
import type { Parsed } from "./parsed.ts";
import { type Blocked, candidateOf, type Given, type Reading } from "./read-sources.ts";
import { similarNames } from "./similar.ts";
import { shapeOf } from "./text-shape.ts";
import { absent, parseDefault, parseText, type VariableSpec } from "./variable.ts";
import { descriptionOf, exampleOf, expectedOf } from "./words.ts";
import { isClosed } from "./zod.ts";

/** A valid variable, and how it came to its value. */
export interface Settled {
  readonly value: unknown;
  readonly by: "source" | "default" | "development default" | "absence";
  readonly given?: Given | undefined;
  /** What sources further down the list have for it. */
  readonly shadowed: readonly Given[];
}

/** What the sources come to for one variable: what wins, or what stands in the way. */
export interface Choice {
  readonly given?: Given | undefined;
  readonly blocked?: Blocked | undefined;
  readonly shadowed: readonly Given[];
  /** Whether a source has it, if only as an empty value. */
  readonly found: boolean;
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
  readonly names: readonly string[];
  readonly settled: Map<string, Settled>;
  readonly problems: Problem[];
  readonly warnings: Warning[];
}

/** Settles each variable by itself; gives a promise where validators have to be waited for, which are waited for together. */
export function settleEach(specs: ReadonlyMap<string, VariableSpec>, findings: Findings): Promise<unknown> | undefined {
  const waiting: Promise<void>[] = [];
  for (const [name, spec] of specs) {
    const choice = choose(name, findings.reading);
    if (choice.blocked) {
      findings.problems.push(unreadable(name, spec, choice.blocked));
      continue;
    }
    const parsed = parse(spec, choice.given, findings.production);
    if (parsed instanceof Promise) waiting.push(parsed.then((late) => settle(name, spec, choice, late, findings)));
    else settle(name, spec, choice, parsed, findings);
  }
  return waiting.length > 0 ? Promise.all(waiting) : undefined;
}

const NONE: readonly Given[] = [];

/** The first source that has a value wins, an empty one not counting; one that has it and can't read it stands in the way. */
export function choose(name: string, reading: Reading): Choice {
  let given: Given | undefined;
  let found = false;
  let shadowed = NONE;
  for (const source of reading.sources) {
    const candidate = candidateOf(source, name);
    if (!candidate) continue;
    found = true;
    if ("blocked" in candidate) {
      if (!given) return { blocked: candidate, shadowed, found };
    } else if (candidate.value !== "") {
      if (given) shadowed = [...shadowed, candidate];
      else given = candidate;
    }
  }
  return { given, shadowed, found };
}

/** What was given for these variables, which no message may repeat. A valid choice out of a schema's own list tells nothing. */
export function givenTexts(specs: ReadonlyMap<string, VariableSpec>, { reading, settled }: Findings): string[] {
  const texts: string[] = [];
  for (const [name, spec] of specs) {
    if (settled.has(name) && (spec.own ? spec.own.closed : isClosed(spec.foreign))) continue;
    const { given, shadowed } = choose(name, reading);
    if (given) texts.push(given.value, ...shadowed.map(({ value }) => value));
  }
  return texts;
}

/** Whether a source failed, so that an absent value may be there after all. */
export function isPartial(reading: Reading): boolean {
  return reading.sources.some(({ failure }) => failure !== undefined);
}

function parse(spec: VariableSpec, given: Given | undefined, production: boolean): Parsed | Promise<Parsed> {
  if (given) return parseText(spec, given.value);
  return usesDevDefault(spec, production) ? parseDefault(spec, spec.devDefault) : absent(spec);
}

function usesDevDefault(spec: VariableSpec, production: boolean): boolean {
  return !production && spec.devDefault !== undefined;
}

/** Records what came of a variable that nothing blocks. */
export function settle(name: string, spec: VariableSpec, choice: Choice, parsed: Parsed, findings: Findings): void {
  const { production, problems, warnings } = findings;
  const { given, shadowed } = choice;
  if (!parsed.ok) {
    const { message } = parsed;
    problems.push(given ? invalid(name, spec, given, message) : missing(name, spec, choice, message, findings));
    return;
  }
  const by = given ? "source" : howAbsent(spec, production, parsed.value);
  const weakness = weaknessOf(spec, given, by);
  if (weakness !== undefined && production) {
    problems.push(problemOf("weak", name, spec, weakness, given ? { origin: given.origin } : {}));
    return;
  }
  if (weakness !== undefined) warnings.push({ variable: name, message: `${weakness}; production refuses it` });
  if (!given && spec.recommended !== undefined) {
    warnings.push({ variable: name, message: `is not set, but should be: ${spec.recommended}` });
  }
  findings.settled.set(name, { value: parsed.value, by, given, shadowed });
}

function howAbsent(spec: VariableSpec, production: boolean, value: unknown): Settled["by"] {
  if (usesDevDefault(spec, production)) return "development default";
  // A schema from elsewhere may have a default of its own.
  return value === undefined ? "absence" : "default";
}

function weaknessOf(spec: VariableSpec, given: Given | undefined, by: Settled["by"]): string | undefined {
  if (!spec.own?.weakness || by === "absence") return undefined;
  if (!given) return `is not set and has its ${by}, which stands in the source code`;
  const text = given.value;
  if (text === spec.devDefault || text === spec.fallback) return "equals its default, which stands in the source code";
  return text === spec.example ? "equals the documented example" : spec.own.weakness(text);
}

function unreadable(name: string, spec: VariableSpec, { source, blocked }: Blocked): Problem {
  const { kind = "unreadable", problem, origin = source } = blocked;
  return problemOf(kind, name, spec, problem, { origin });
}

function invalid(name: string, spec: VariableSpec, { value, origin }: Given, message: string): Problem {
  return problemOf("invalid", name, spec, `${message} (${shapeOf(value)})`, { origin });
}

function missing(name: string, spec: VariableSpec, choice: Choice, message: string, findings: Findings): Problem {
  const { reading, names } = findings;
  const seen = new Set(reading.sources.flatMap((source) => [...(source.names?.() ?? [])]));
  const strangers = [...seen].filter((other) => !names.includes(other));
  const said = choice.found ? "is set but empty" : message;
  return problemOf("missing", name, spec, isPartial(reading) ? `${said}, as far as could be looked` : said, {
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
