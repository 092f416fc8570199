// Where each value of a configuration came from, fit to be shown: secrets are hidden, and so is what looks like one.

import type { Declaration } from "./declaration.ts";
import { isSecret, looksSecret, printable, REDACTED, redactText } from "./redact.ts";
import type { Settled } from "./settle.ts";
import type { VariableSpec } from "./variable.ts";
import { formatValue } from "./words.ts";

export interface ExplainedVariable {
  readonly name: string;
  /** The name of the source that won; `default`, `development default`, or `unset`. */
  readonly source: string;
  /** As `FoundValue.origin`. */
  readonly origin: string;
  /** The store's version id, when it has one. */
  readonly version?: string;
  readonly isDefault: boolean;
  /** As it was written; `[redacted]` for a secret or a name that looks like one; empty where nothing is set. */
  readonly value: string;
  /** What sources further down the list have for it, and whether it is another value. */
  readonly shadowed: readonly { readonly source: string; readonly origin: string; readonly differs: boolean }[];
  /** ISO 8601, of the load that found it. */
  readonly loadedAt: string;
}

/** Prints as a table. */
export interface Explanation {
  readonly variables: readonly ExplainedVariable[];
  /** A table for people. */
  toString(): string;
  /** For a log. */
  toJSON(): { readonly variables: readonly ExplainedVariable[] };
}

export function explain(declaration: Declaration, settled: ReadonlyMap<string, Settled>, at: number): Explanation {
  const loadedAt = new Date(at).toISOString();
  const variables = declaration.names.flatMap((name): ExplainedVariable[] => {
    const entry = settled.get(name);
    const spec = declaration.variables.get(name) ?? declaration.added.get(name);
    if (!entry || !spec) return [];
    const { by, given } = entry;
    const source = given?.source ?? (by === "absence" ? "unset" : by);
    const version = given?.version;
    const explained: ExplainedVariable = {
      name,
      source,
      origin: given ? given.origin : source,
      ...(version !== undefined && { version }),
      isDefault: by === "default" || by === "development default",
      value: shown(name, spec, entry),
      shadowed: shadowedBy(entry),
      loadedAt,
    };
    return [explained];
  });
  const table = (): string => formatTable(variables);
  return Object.create(
    {},
    {
      variables: { value: variables, enumerable: true },
      toString: { value: table },
      toJSON: { value: () => ({ variables }) },
      [Symbol.for("nodejs.util.inspect.custom")]: { value: table },
    },
  ) as Explanation;
}

function shown(name: string, spec: VariableSpec, { value, given }: Settled): string {
  if (value === undefined) return "";
  if (spec.secret || isSecret(value) || looksSecret(name)) return REDACTED;
  const text = given?.value ?? formatValue(spec, value);
  // Any key of a document may hold a secret.
  if (/^\s*[[{]/.test(text)) return `${text.length} characters of JSON`;
  return printable(redactText(text));
}

function shadowedBy({ given, shadowed }: Settled): ExplainedVariable["shadowed"] {
  return shadowed.map(({ source, origin, value }) => ({ source, origin, differs: value !== given?.value }));
}

const WIDEST_VALUE = 40;

function formatTable(variables: readonly ExplainedVariable[]): string {
  const rows = variables.map(({ name, value, origin, version, shadowed }) => {
    const from = version === undefined || origin.includes(version) ? origin : `${origin} version ${version}`;
    const hiding = shadowed.map((one) => `${one.origin}${one.differs ? "" : " (same)"}`).join(", ");
    const short = value.length > WIDEST_VALUE ? `${value.slice(0, WIDEST_VALUE - 1)}…` : value;
    return [name, short, hiding === "" ? from : `${from}, over ${hiding}`];
  });
  const all = [["VARIABLE", "VALUE", "FROM"], ...rows];
  const widths = [0, 1].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
