// Lists and JSON documents in one variable. Both come out frozen all the way down.

import type { OutputOf, StandardSchemaV1 } from "@holdfast/core";
import { run } from "../foreign.ts";
import { freeze } from "../freeze.ts";
import { andThen, invalid, type Parsed, valid } from "../parsed.ts";
import { createVariable, parseText, specOf, type Variable } from "../variable.ts";
import { expectedOf, formatValue } from "../words.ts";
import { text } from "./text.ts";

export interface ListOptions<Item extends StandardSchemaV1> {
  /** What each item is, ours or any Standard Schema. Default `text()`. */
  readonly of?: Item;
  /** Default `","`. */
  readonly separator?: string;
}

/** Items with a separator between them. White space around an item is not part of it; an empty item is refused. */
export function list<Item extends StandardSchemaV1 = Variable<string, "required">>(
  options: ListOptions<Item> = {},
): Variable<readonly OutputOf<Item>[], "required"> {
  const { of: item = text() as StandardSchemaV1, separator = "," } = options;
  const spec = specOf(item);
  const expected = `a list with ${JSON.stringify(separator)} between its items, each ${expectedOf(spec)}`;
  const format = (items: readonly unknown[]): string => items.map((one) => formatValue(spec, one)).join(separator);
  const parse = (value: string): Parsed | Promise<Parsed> => {
    const items = value.split(separator).map((part) => part.trim());
    const parsed = items.map((part) => (part === "" ? invalid("is empty") : parseText(spec, part)));
    return parsed.some((result) => result instanceof Promise)
      ? Promise.all(parsed).then(gather)
      : gather(parsed as Parsed[]);
  };
  return createVariable({ own: { expected, parse, format }, presence: "required", secret: false });
}

function gather(items: readonly Parsed[]): Parsed {
  const faults = items.flatMap((item, index) => (item.ok ? [] : [`item ${index + 1} ${item.message}`]));
  if (faults.length > 0) return invalid(`is not valid: ${faults.slice(0, 5).join("; ")}`);
  return valid(freeze(items.map((item) => item.ok && item.value)));
}

/** A JSON document; with a schema, what that schema makes of it. A key `__proto__` anywhere is refused. */
export function json(): Variable<unknown, "required">;
export function json<Schema extends StandardSchemaV1>(schema: Schema): Variable<OutputOf<Schema>, "required">;
export function json(schema?: StandardSchemaV1): Variable<unknown, "required"> {
  const expected = "a JSON document";
  const parse = (value: string): Parsed | Promise<Parsed> => {
    const document = parseJson(value);
    if (!document.ok) return document;
    return andThen(schema ? run(schema, document.value, value) : document, (parsed) =>
      parsed.ok ? valid(freeze(parsed.value)) : parsed,
    );
  };
  return createVariable({
    own: { expected, example: "{}", parse, format: JSON.stringify },
    presence: "required",
    secret: false,
  });
}

// The parser's own message quotes the document, so nothing of it is passed on.
function parseJson(text: string): Parsed {
  let forbidden = false;
  try {
    const value: unknown = JSON.parse(text, (key, value: unknown) => {
      forbidden ||= key === "__proto__";
      return value;
    });
    return forbidden ? invalid("has a key __proto__") : valid(value);
  } catch {
    return invalid("is not JSON");
  }
}
