// A body as JSON, and JSON as what a schema makes of it.

import type { SchemaIssue, StandardSchemaV1 } from "@holdfast/core";
import { PartlyKept } from "../engine/kept-response.ts";
import { HttpRetryError, type KeptResponse } from "../errors.ts";
import { nameOf, type RequestLine } from "./request.ts";

interface Answer {
  readonly status: number;
  readonly headers: KeptResponse["headers"];
  readonly body: Buffer;
}

// A schema may find fault with each of a million items.
const MOST_PATHS_SHOWN = 5;

/** UTF-8, whatever the headers say, and without a byte order mark: as the Fetch standard reads every body. */
export function textOf(body: Buffer): string {
  const text = body.toString();
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

export function parseJson(line: RequestLine, answer: Answer): unknown {
  try {
    return JSON.parse(textOf(answer.body));
  } catch {
    // The parser's own message quotes the body.
    const what = answer.body.byteLength === 0 ? "an empty body" : "a body";
    throw new HttpRetryError(
      "INVALID_JSON",
      `${nameOf(line)} answered ${answer.status} with ${what} that is not JSON`,
      {
        response: kept(answer),
      },
    );
  }
}

export function validate(line: RequestLine, answer: Answer, schema: StandardSchemaV1, value: unknown): unknown {
  const result = schema["~standard"].validate(value);
  return result instanceof Promise ? result.then(settle) : settle(result);

  function settle({ issues, ...rest }: Awaited<typeof result>): unknown {
    if (!issues) return "value" in rest ? rest.value : undefined;
    const message = `${nameOf(line)} answered ${answer.status} with JSON that the schema refuses at ${pathsOf(issues)}`;
    throw new HttpRetryError("INVALID_DATA", message, { response: kept(answer), issues });
  }
}

function kept({ status, headers, body }: Answer): KeptResponse {
  const response = new PartlyKept(status, headers);
  response.add(body);
  response.end();
  return response;
}

/** Where the faults are. What is wrong there is in `issues`: a validator's message may quote the value. */
function pathsOf(issues: readonly SchemaIssue[]): string {
  const paths = issues.slice(0, MOST_PATHS_SHOWN).map(({ path = [] }) => pathOf(path));
  const left = issues.length - paths.length;
  return [...paths, ...(left > 0 ? [`${left} more places`] : [])].join(", ");
}

function pathOf(path: NonNullable<SchemaIssue["path"]>): string {
  const keys = path.map((part) => (typeof part === "object" ? part.key : part));
  const text = keys.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)).join("");
  return text === "" ? "its top" : text.replace(/^\./, "");
}
