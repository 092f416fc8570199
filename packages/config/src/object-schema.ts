// A whole object schema, such as z.object(): its fields are validated by the object itself, so that its refinements hold too.

import type { SchemaIssue, SchemaResult } from "@holdfast/core";
import type { ObjectSchema } from "./declaration.ts";
import { withheld } from "./foreign.ts";
import { valid } from "./parsed.ts";
import { choose, type Findings, givenTexts, isPartial, settle, settleEach } from "./settle.ts";
import type { VariableSpec } from "./variable.ts";
import { coercesAbsence } from "./zod.ts";

/**
 * Settles the fields of `object`. Where it refuses, each field is settled by itself, so that the report holds every bad
 * field and rules can run on the good ones, and what remains is said of the object as a whole.
 */
export async function settleObject(
  object: ObjectSchema,
  specs: ReadonlyMap<string, VariableSpec>,
  findings: Findings,
): Promise<void> {
  // A refinement of the whole would speak of what a failed source may yet have.
  const input = isPartial(findings.reading) ? undefined : decodeFields(specs, findings);
  const result = input && (await validateWhole(object, input));
  if (result && "value" in result) {
    const fields = result.value as Readonly<Record<string, unknown>>;
    for (const [name, spec] of specs) settle(name, spec, choose(name, findings.reading), valid(fields[name]), findings);
    return;
  }
  await settleEach(specs, findings);
  if (!result) return;
  const whole = "issues" in result ? result.issues.filter((issue) => !isOfBadField(issue, findings)) : [];
  for (const issue of whole) {
    const field = fieldOf(issue);
    const variable = field !== undefined && specs.has(field) ? field : undefined;
    findings.problems.push({
      kind: "rule",
      ...(variable !== undefined && { variable }),
      message: `is not valid: ${withheld(issue.message, givenTexts(specs, findings))}`,
      lookedIn: [],
      similar: [],
    });
  }
  if ("thrown" in result) {
    findings.problems.push({ kind: "rule", message: "made its schema throw", lookedIn: [], similar: [] });
  }
}

/** The object to validate; `undefined` where a field can't even be handed over. */
function decodeFields(
  specs: ReadonlyMap<string, VariableSpec>,
  { reading }: Findings,
): Record<string, unknown> | undefined {
  const input: Record<string, unknown> = {};
  for (const [name, { foreign, decoder }] of specs) {
    const { given, blocked } = choose(name, reading);
    if (blocked) return undefined;
    if (!given) {
      // zod 4.0 makes "undefined" of it; 4.6 refuses by itself.
      if (foreign && coercesAbsence(foreign)) return undefined;
      continue;
    }
    const decoded = decoder ? decoder(given.value) : valid(given.value);
    if (!decoded.ok) return undefined;
    input[name] = decoded.value;
  }
  return input;
}

type Whole = SchemaResult<unknown> | { readonly thrown: true };

async function validateWhole(object: ObjectSchema, input: Record<string, unknown>): Promise<Whole> {
  try {
    const result = await object["~standard"].validate(input);
    return result.issues ? { issues: result.issues } : { value: result.value };
  } catch {
    return { thrown: true };
  }
}

function isOfBadField(issue: SchemaIssue, { problems }: Findings): boolean {
  const field = fieldOf(issue);
  return field !== undefined && problems.some(({ variable }) => variable === field);
}

function fieldOf({ path = [] }: SchemaIssue): string | undefined {
  const [first] = path;
  const key = typeof first === "object" ? first.key : first;
  return typeof key === "string" ? key : undefined;
}
