// Runs schemas of other libraries: hands them text in the form they want, and lets none of their messages repeat it.

import type { SchemaIssue, StandardSchemaV1 } from "@holdfast/core";
import { andThen, invalid, type Parsed, valid } from "./parsed.ts";
import { repeats } from "./withhold.ts";
import { coercesAbsence, type Decoder, declaredPath } from "./zod.ts";

/** Decodes text for the schema and validates it. */
export function parseWith(
  schema: StandardSchemaV1,
  decoder: Decoder | undefined,
  text: string,
): Parsed | Promise<Parsed> {
  if (!decoder) return run(schema, text, text);
  const decoded = decoder(text);
  return decoded.ok ? run(schema, decoded.value, text) : decoded;
}

/** Validates a value that came out of `raw`, which no message may repeat. */
export function run(schema: StandardSchemaV1, value: unknown, raw: string): Parsed | Promise<Parsed> {
  try {
    const result = schema["~standard"].validate(value);
    if (!(result instanceof Promise)) {
      return result.issues ? invalid(messageOf(schema, result.issues, raw)) : valid(result.value);
    }
    return result.then(
      (late) => (late.issues ? invalid(messageOf(schema, late.issues, raw)) : valid(late.value)),
      (error: unknown) => invalid(thrown(error, raw)),
    );
  } catch (error) {
    return invalid(thrown(error, raw));
  }
}

/** The schema's own say when nothing is set. */
export function parseAbsent(schema: StandardSchemaV1): Parsed | Promise<Parsed> {
  if (coercesAbsence(schema)) return invalid("is not set");
  return andThen(run(schema, undefined, ""), (parsed) =>
    parsed.ok || !STOCK_MESSAGE.test(parsed.message) ? parsed : invalid("is not set"),
  );
}

// What zod and valibot say of undefined unless the user wrote a message, which is worth passing on.
const STOCK_MESSAGE = /^is not valid: (?:Invalid (?:input|option|type|key)\b|Required$)|\bundefined\b/;

/** Issues as one clause. Of paths only what the schema itself declares is said: a key can be part of a secret document. */
function messageOf(schema: StandardSchemaV1, issues: readonly SchemaIssue[], raw: string): string {
  const parts = issues.slice(0, MOST_ISSUES).map(({ path = [], message }) => {
    const keys = path.map((part) => (typeof part === "object" ? part.key : part));
    // Judged without the path, which is safe by itself and would often share a word with the document.
    const said = withheld(message, [raw]);
    return keys.length === 0 ? said : `${declaredPath(schema, keys)}: ${said}`;
  });
  return `is not valid: ${parts.join("; ")}`;
}

// A long document that is not what it should be has an issue a line.
const MOST_ISSUES = 5;

/** A message that is not ours, unless it repeats one of the texts. */
export function withheld(message: string, texts: readonly string[]): string {
  return texts.some((text) => repeats(message, text)) ? "(message withheld, as it repeats a value)" : message;
}

function thrown(error: unknown, raw: string): string {
  const name = error instanceof Error ? error.name : "something other than an error";
  return repeats(name, raw) ? "made its validator throw" : `made its validator throw ${name}`;
}
