// A Markdown table of the variables, for a README or a runbook.

import type { Declaration } from "../declaration.ts";
import type { VariableSpec } from "../variable.ts";
import { descriptionOf, expectedOf, formatValue, needOf } from "../words.ts";

export function markdownTable({ variables, added, rules }: Declaration): string {
  const rows = [...variables].map(([name, spec]) => row(name, spec, needText(spec)));
  for (const { adds = {}, names } of rules) {
    const own = [...added].filter(([name]) => Object.hasOwn(adds, name));
    rows.push(...own.map(([name, spec]) => row(name, spec, `where \`${names[0]}\` is on`)));
  }
  return ["| Variable | What it is | Expected | Needed |", "|---|---|---|---|", ...rows, ""].join("\n");
}

function row(name: string, spec: VariableSpec, need: string): string {
  const secret = spec.secret ? " (secret)" : "";
  const cells = [`\`${name}\`${secret}`, descriptionOf(spec) ?? "", expectedOf(spec), need];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replace(/\s*\n\s*/g, " ")).join(" | ")} |`;
}

function needText(spec: VariableSpec): string {
  const { need, fallback } = needOf(spec);
  const dev = spec.devDefault !== undefined ? "; has a default in development" : "";
  if (spec.recommended !== undefined) return `recommended: ${spec.recommended}${dev}`;
  if (need !== "default") return need + dev;
  return spec.secret ? `default in code${dev}` : `default \`${formatValue(spec, fallback)}\`${dev}`;
}
