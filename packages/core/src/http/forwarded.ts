// Lists in header values taken apart from the right, and the elements of `Forwarded` (RFC 7239).

const LONGEST_ELEMENT = 512;

/**
 * Where the last element of `value.slice(0, end)` begins, or -1 where that is further off than 512 characters. A comma
 * inside a quoted string divides nothing. Read from the right, what a client wrote with quotes that never close can't swallow
 * what a proxy appended to it.
 */
export function lastElement(value: string, end: number): number {
  let isQuoted = false;
  for (let i = end - 1; i >= end - LONGEST_ELEMENT; i--) {
    if (i < 0) return 0;
    const code = value.charCodeAt(i);
    if (code === COMMA && !isQuoted) return i + 1;
    if (code === QUOTE && !isEscaped(value, i)) isQuoted = !isQuoted;
  }
  return -1;
}

function isEscaped(value: string, at: number): boolean {
  let backslashes = 0;
  while (backslashes < LONGEST_ELEMENT && value.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes++;
  return backslashes % 2 === 1;
}

const PAIR = /[ \t]*([\w!#$%&'*+.^`|~-]+)=(?:([\w!#$%&'*+.^`|~-]+)|"((?:[^"\\]|\\.)*)")[ \t]*(?:;|$)/y;

/** The node that an element of `Forwarded` names as `for`. Undefined where there is none, more than one, or the element is malformed. */
export function forwardedFor(element: string): string | undefined {
  let node: string | undefined;
  PAIR.lastIndex = 0;
  while (PAIR.lastIndex < element.length) {
    const pair = PAIR.exec(element);
    if (!pair) return undefined;
    const [, name = "", token, quoted] = pair;
    if (name.toLowerCase() !== "for") continue;
    if (node !== undefined) return undefined;
    node = token ?? quoted;
  }
  return node;
}

const COMMA = 0x2c;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
