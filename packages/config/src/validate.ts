// From what the sources gave to values, problems and warnings: all of them at once, and none of them with a value in it.

import type { Problem } from "./config-error.ts";
import type { AnyRule, Declaration } from "./declaration.ts";
import { withheld } from "./foreign.ts";
import { settleObject } from "./object-schema.ts";
import type { Reading } from "./read-sources.ts";
import { isOn } from "./rules.ts";
import { type Findings, givenTexts, isPartial, type Settled, settleEach, type Warning } from "./settle.ts";
import type { VariableSpec } from "./variable.ts";

export interface Outcome {
  readonly settled: ReadonlyMap<string, Settled>;
  /** In the order of the declaration, those of the sources first. */
  readonly problems: readonly Problem[];
  readonly warnings: readonly Warning[];
}

/** A promise only where a validator is waited for. */
export function validate(declaration: Declaration, reading: Reading, production: boolean): Outcome | Promise<Outcome> {
  const { names, variables, object, rules } = declaration;
  const findings: Findings = { production, reading, names, settled: new Map(), problems: [], warnings: [] };
  for (const { name, failure } of reading.sources) {
    if (failure) findings.problems.push({ kind: "source", source: name, message: failure, lookedIn: [], similar: [] });
  }
  const waiting = object ? settleObject(object, variables, findings) : settleEach(variables, findings);
  if (!waiting && rules.length === 0) return inOrder(findings);
  return applyRules(waiting, findings, declaration);
}

async function applyRules(settling: unknown, findings: Findings, declaration: Declaration): Promise<Outcome> {
  await settling;
  const { rules } = declaration;
  for (const rule of rules) if (rule.adds) await add(rule, findings, declaration);
  for (const rule of rules) if (rule.check) check(rule, rule.check, findings, declaration);
  return inOrder(findings);
}

function inOrder(findings: Findings): Outcome {
  const { problems, names } = findings;
  if (problems.length > 1) problems.sort((a, b) => place(a, names) - place(b, names));
  return findings;
}

async function add(
  { names: [condition = ""], adds = {} }: AnyRule,
  findings: Findings,
  { added }: Declaration,
): Promise<void> {
  if (!isOn(findings.settled.get(condition)?.value)) return;
  const specs = [...added].filter(([name]) => Object.hasOwn(adds, name));
  await settleEach(new Map(specs), findings);
}

function check(rule: AnyRule, test: Check, findings: Findings, declaration: Declaration): void {
  const { settled, problems, reading } = findings;
  const { names, foreign } = rule;
  const isBad = ({ variable = "" }: Problem): boolean => names.includes(variable) && !settled.has(variable);
  if (problems.some(isBad)) return;
  // An absent variable may be in the source that failed; nothing can be said of it.
  if (isPartial(reading) && names.some((name) => !settled.get(name)?.given)) return;
  const values = Object.freeze(Object.fromEntries(names.map((name) => [name, settled.get(name)?.value])));
  const fault = outcomeOf(test, values);
  if (!fault) return;
  const message = foreign
    ? `breaks a rule: ${withheld(fault, givenTexts(specsOf(names, declaration), findings))}`
    : fault;
  const [variable] = names;
  problems.push({ kind: "rule", ...(variable !== undefined && { variable }), message, lookedIn: [], similar: [] });
}

type Check = NonNullable<AnyRule["check"]>;

function specsOf(names: readonly string[], { variables, added }: Declaration): Map<string, VariableSpec> {
  const all = [...variables, ...added];
  return new Map(all.filter(([name]) => names.includes(name)));
}

function outcomeOf(test: Check, values: Readonly<Record<string, unknown>>): string | undefined {
  try {
    return test(values);
  } catch (error) {
    return `threw ${error instanceof Error ? error.name : "something other than an error"}`;
  }
}

function place({ source, variable }: Problem, names: readonly string[]): number {
  if (source !== undefined) return -1;
  return variable === undefined ? names.length : names.indexOf(variable);
}
