// Lists of Structured Field Values (RFC 9651, section 4.2.1), read strictly.

/** `other` is what no field here has: a Decimal, Token, Byte Sequence, Date or Display String, as it was written. */
export type BareItem = string | number | boolean | { readonly other: string };

export interface Item {
  readonly value: BareItem;
  readonly parameters: ReadonlyMap<string, BareItem>;
}

const KEY = /[a-z*][a-z0-9_.*-]*/y;
const INTEGER = /-?\d{1,15}(?![\d.])/y;
const STRING = /"(?:[ !#-[\]-~]|\\["\\])*"/y;
const BOOLEAN = /\?[01]/y;
const DECIMAL = "-?\\d{1,12}\\.\\d{1,3}(?![\\d.])";
const TOKEN = "[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*";
const BYTES = ":[A-Za-z0-9+/]*={0,2}:";
const DATE = "@-?\\d{1,15}(?![\\d.])";
const DISPLAY_STRING = '%"(?:[ !#$&-~]|%[0-9a-f]{2})*"';
const OTHER = new RegExp([DECIMAL, TOKEN, BYTES, DATE, DISPLAY_STRING].join("|"), "y");
const SPACES = / */y;
const WHITESPACE = /[ \t]*/y;

/** The items of a List; undefined where the text is not one, or holds an Inner List, which no field here has either. */
export function parseList(text: string): readonly Item[] | undefined {
  let at = 0;
  /** What the pattern matches here, moving past it; undefined where it doesn't. */
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    at += found?.length ?? 0;
    return found;
  };

  const bareItem = (): BareItem | undefined => {
    const integer = take(INTEGER);
    if (integer !== undefined) return Number(integer);
    const string = take(STRING);
    if (string !== undefined) return string.slice(1, -1).replace(/\\(.)/g, "$1");
    const boolean = take(BOOLEAN);
    if (boolean !== undefined) return boolean === "?1";
    const other = take(OTHER);
    return other === undefined ? undefined : { other };
  };

  const item = (): Item | undefined => {
    const value = bareItem();
    if (value === undefined) return undefined;
    const parameters = new Map<string, BareItem>();
    while (text[at] === ";") {
      at++;
      take(SPACES);
      const key = take(KEY);
      if (key === undefined) return undefined;
      const hasValue = text[at] === "=";
      if (hasValue) at++;
      const parameter = hasValue ? bareItem() : true;
      if (parameter === undefined) return undefined;
      parameters.set(key, parameter);
    }
    return { value, parameters };
  };

  const items: Item[] = [];
  take(SPACES);
  if (at === text.length) return items;
  for (;;) {
    const next = item();
    if (next === undefined) return undefined;
    items.push(next);
    take(WHITESPACE);
    if (at === text.length) return items;
    if (text[at++] !== ",") return undefined;
    take(WHITESPACE);
  }
}
