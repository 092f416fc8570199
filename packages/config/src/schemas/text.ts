// Text, URLs, choices and switches.

import { invalid, type Parsed, valid } from "../parsed.ts";
import { strictVariable, type Variable } from "../variable.ts";
import { oneOfText, parseBoolean } from "./grammar.ts";

export interface TextOptions {
  /** In UTF-16 units, as `String.length`. Default 1: an empty string is an absent value. */
  readonly minLength?: number;
  readonly maxLength?: number;
  /** Tried on the whole text as it stands; write `^…$` to match all of it. */
  readonly pattern?: RegExp;
}

/** Text without white space at either end. Where that white space matters, take `z.string()`. */
export function text(options: TextOptions = {}): Variable<string, "required"> {
  const { minLength = 1, maxLength = Number.POSITIVE_INFINITY, pattern } = options;
  const limits = [
    minLength > 1 && `at least ${minLength} characters`,
    maxLength < Number.POSITIVE_INFINITY && `at most ${maxLength} characters`,
    pattern && `matching ${pattern}`,
  ].filter((limit) => typeof limit === "string");
  const expected = limits.length === 0 ? "text without white space at its ends" : `text (${limits.join(", ")})`;
  // A copy without the flags that make a RegExp remember where it stopped.
  const matcher = pattern && new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ""));
  const parse = (value: string): Parsed => {
    if (value.length < minLength) return invalid(`is shorter than ${minLength} characters`);
    if (value.length > maxLength) return invalid(`is longer than ${maxLength} characters`);
    return !matcher || matcher.test(value) ? valid(value) : invalid(`does not match ${pattern}`);
  };
  return strictVariable({ expected, parse });
}

export interface UrlOptions {
  /** Schemes that are allowed, with or without the colon: `["postgres", "postgresql"]`. Default: any that has `//` and a host. */
  readonly protocols?: readonly string[];
}

/**
 * An absolute URL, given on as it is written. Without `protocols` it must have `//` and a host, so that `localhost:3000`
 * is no URL with the scheme `localhost`. For one with a password inside take `variable(url(), { secret: true })`.
 */
export function url(options: UrlOptions = {}): Variable<string, "required"> {
  const protocols = options.protocols?.map((protocol) => protocol.replace(/:?$/, ":").toLowerCase());
  const expected = protocols ? `a URL with ${protocols.map((protocol) => `${protocol}//`).join(" or ")}` : "a URL";
  const parse = (value: string): Parsed => {
    // The URL parser drops tabs and line breaks and escapes spaces; whoever reads the text later may not.
    const parsed = /[\s\p{Cc}]/u.test(value) ? null : URL.parse(value);
    const fits =
      parsed && (protocols ? protocols.includes(parsed.protocol) : /^[^:]+:\/\//.test(value) && parsed.host !== "");
    return fits ? valid(value) : invalid(`is not ${expected}`);
  };
  const example = `${protocols?.[0] ?? "https:"}//example.com`;
  return strictVariable({ expected, example, parse });
}

/** One of the given words, letter by letter. */
export function oneOf<const Choice extends string>(choices: readonly Choice[]): Variable<Choice, "required"> {
  const expected = oneOfText(choices);
  const parse = (value: string): Parsed =>
    (choices as readonly string[]).includes(value) ? valid(value) : invalid(`is not ${expected}`);
  return strictVariable({ expected, example: choices[0], closed: true, parse });
}

/** `true`, `1`, `yes`, `on` or `false`, `0`, `no`, `off`, in any case. */
export function boolean(): Variable<boolean, "required"> {
  const expected = "true or false (or yes, no, on, off, 1, 0)";
  const parse = (value: string): Parsed => parseBoolean(value) ?? invalid(`is not ${expected}`);
  return strictVariable({ expected, example: "true", closed: true, parse });
}

/** A feature flag: a boolean that is off where nothing is set. */
export function flag(): Variable<boolean, "default"> {
  return boolean().default(false);
}
