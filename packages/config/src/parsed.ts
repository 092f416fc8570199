// What comes of text: a value, or what is wrong with it.

/** The message is a clause that follows the variable's name, and never repeats the text. */
export type Parsed<Value = unknown> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly message: string };

export function valid<Value>(value: Value): Parsed<Value> {
  return { ok: true, value };
}

export function invalid(message: string): Parsed<never> {
  return { ok: false, message };
}

/** Calls on with a value that may have to be waited for, without making it a promise where it is none. */
export function andThen<From, To>(
  value: From | Promise<From>,
  next: (value: From) => To | Promise<To>,
): To | Promise<To> {
  return value instanceof Promise ? value.then(next) : next(value);
}
