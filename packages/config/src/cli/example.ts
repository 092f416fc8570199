// The text of a .env.example: every variable with what it is for. Secrets are left empty, with a way to make one.

import type { Declaration } from "../declaration.ts";
import { looksSecret } from "../redact.ts";
import type { VariableSpec } from "../variable.ts";
import { descriptionOf, exampleOf, expectedOf, formatValue, needOf } from "../words.ts";

export function envExample({ variables, added, rules }: Declaration): string {
  const entries = [...variables].map(([name, spec]) => entry(name, spec, undefined));
  for (const { adds = {}, names } of rules) {
    for (const [name, spec] of added) if (Object.hasOwn(adds, name)) entries.push(entry(name, spec, names[0]));
  }
  return `${entries.join("\n\n")}\n`;
}

function entry(name: string, spec: VariableSpec, condition: string | undefined): string {
  const description = descriptionOf(spec);
  const { need, fallback } = needOf(spec);
  const hidden = spec.secret || looksSecret(name);
  const notes = [`${capital(expectedOf(spec))}; ${condition ? `needed where ${condition} is on` : NEED[need]}.`];
  if (description !== undefined) notes.unshift(description);
  if (spec.recommended !== undefined) notes.push(`Recommended: ${spec.recommended}`);
  if (spec.own?.remedy) notes.push(`Make one: ${spec.own.remedy}`);
  const shown = fallback === undefined ? exampleOf(spec) : formatValue(spec, fallback);
  const value = hidden || shown === undefined ? "" : quoted(shown);
  // What need not be set is there to be uncommented.
  const prefix = need === "required" && condition === undefined ? "" : "# ";
  return [...notes.flatMap((note) => note.split(/\r?\n/)).map((line) => `# ${line}`), `${prefix}${name}=${value}`].join(
    "\n",
  );
}

const NEED = { required: "required", optional: "optional", default: "has a default" } as const;

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** As Node's parser reads it back: in quotes of a kind that the value has not, where it needs any. */
function quoted(value: string): string {
  if (/^[\w.,:;/@%+*?&=~^()-]*$/.test(value)) return value;
  const quote = ["'", '"', "`"].find((mark) => !value.includes(mark)) ?? '"';
  return `${quote}${value}${quote}`;
}
