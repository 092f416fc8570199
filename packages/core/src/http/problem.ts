// What went wrong, told to a machine: problem details of RFC 9457.

import { HoldfastError } from "@holdfast/core";
import type { HttpErrorCode } from "./errors.ts";

/** The members that RFC 9457 names, and beside them any extension that JSON can hold. */
export interface ProblemDetails {
  /** URI reference that names the kind of problem. Left out, it is `about:blank`: the status says it all. At most 2,048 characters. */
  readonly type?: string | undefined;
  /** The kind of problem in words, the same each time. 1 to 256 characters. */
  readonly title: string;
  /** 400 to 599. */
  readonly status: number;
  /** This occurrence in words, for the client's eyes. At most 4,096 characters. */
  readonly detail?: string | undefined;
  /** URI reference that names this occurrence. At most 2,048 characters. */
  readonly instance?: string | undefined;
  /** Extension members: a letter, then up to 63 letters, digits, `_` or `-`. */
  readonly [extension: string]: unknown;
}

/** A problem ready to be sent. */
export interface Problem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON of at most 16,384 characters. */
  readonly body: string;
}

/** What is used of node:http's `ServerResponse`, and so of an Express response. */
export interface NodeResponse {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(body: string): unknown;
}

const LONGEST_BODY = 16_384;
const LONGEST_URI = 2048;

/**
 * Checks problem details and writes them out.
 * @throws HoldfastError `INVALID_PROBLEM`: a member out of its range, an extension of a forbidden name or that JSON can't hold
 */
export function problem(details: ProblemDetails): Problem {
  const { type, title, status, detail, instance, ...extensions } = details;
  if (!Number.isInteger(status) || status < 400 || status > 599) {
    throw invalid(`status is ${String(status)}: it must be a whole number from 400 to 599`);
  }
  if (title === "") throw invalid("title is empty: say in a few words what kind of problem it is");
  const members = {
    type: uriReference("type", type),
    title: text("title", title, 256),
    status,
    detail: detail === undefined ? undefined : text("detail", detail, 4096),
    instance: uriReference("instance", instance),
  };
  for (const name of Object.keys(extensions)) {
    // RFC 9457, 3.2, and the hyphen, which registered problem types use.
    if (!/^[A-Za-z][\w-]{0,63}$/.test(name) || name === "toJSON") {
      throw invalid(
        `${JSON.stringify(name.slice(0, 64))} can't name an extension: use a letter, then letters, digits, "_" or "-"`,
      );
    }
  }
  const body = toJson({ ...members, ...extensions });
  if (body.length > LONGEST_BODY)
    throw invalid(`the body has ${body.length} characters: at most ${LONGEST_BODY} may go out`);
  return { status, headers: { "content-type": "application/problem+json" }, body };
}

/** The problem as a web-standard response. Its headers can still be set. */
export function problemResponse({ status, headers, body }: Problem): Response {
  return new Response(body, { status, headers });
}

/** Sends the problem on a node:http or Express response. Headers set before, such as Retry-After, go with it. */
export function sendProblem(response: NodeResponse, { status, headers, body }: Problem): void {
  response.statusCode = status;
  for (const name of Object.keys(headers)) response.setHeader(name, headers[name] ?? "");
  response.end(body);
}

function text(name: string, value: unknown, longest: number): string {
  if (typeof value === "string" && value.length <= longest) return value;
  const found = typeof value === "string" ? `has ${value.length} characters` : `is of type ${typeof value}`;
  throw invalid(`${name} ${found}: it must be a text of at most ${longest}`);
}

function uriReference(name: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const reference = text(name, value, LONGEST_URI);
  // RFC 3986, 2: the characters that a URI reference is made of.
  if (/^[\w\-.~:/?#[\]@!$&'()*+,;=%]+$/.test(reference)) return reference;
  throw invalid(`${name} is no URI reference: percent-encode what RFC 3986 does not allow`);
}

function toJson(value: object): string {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    throw invalid("an extension holds what JSON can't: leave out cycles and bigints", cause);
  }
}

function invalid(message: string, cause?: unknown): HoldfastError<HttpErrorCode> {
  return new HoldfastError(
    "INVALID_PROBLEM",
    `Problem details: ${message}`,
    cause === undefined ? undefined : { cause },
  );
}
