// How long a key is, and whether it is one at all: placeholders, examples and patterns are told from random text.

export type KeyEncoding = "base64url" | "base64" | "hex" | "utf-8";

/** Bytes in a key's text; without `encoding` by the weakest reading that fits. `undefined`: it is not of that encoding. */
export function keyBytes(text: string, encoding?: KeyEncoding): { bytes: number; encoding: KeyEncoding } | undefined {
  const read = encoding ?? weakestReading(text);
  switch (read) {
    case "hex":
      return /^(?:[\da-f]{2})+$/i.test(text) ? { bytes: text.length / 2, encoding: read } : undefined;
    case "base64":
      return /^[A-Za-z\d+/]+={0,2}$/.test(text) ? { bytes: base64Bytes(text), encoding: read } : undefined;
    case "base64url":
      return /^[\w-]+={0,2}$/.test(text) ? { bytes: base64Bytes(text), encoding: read } : undefined;
    case "utf-8":
      return { bytes: Buffer.byteLength(text), encoding: read };
  }
}

// "0123…" of 64 characters may be 64 bytes of text or 32 of hex; whoever made it knows, and only the lesser is safe to count on.
function weakestReading(text: string): KeyEncoding {
  if (/^(?:[\da-f]{2})+$/i.test(text)) return "hex";
  if (/^[A-Za-z\d+/]+={0,2}$/.test(text)) return "base64";
  return /^[\w-]+={0,2}$/.test(text) ? "base64url" : "utf-8";
}

function base64Bytes(text: string): number {
  return Math.floor((text.replace(/=+$/, "").length * 3) / 4);
}

// Six letters and more turn up in random base64 by chance in about one key of five million, so these count anywhere.
const PLACEHOLDER_ANYWHERE =
  /change[-_. ]?(?:me|this|it)|replace[-_. ]?(?:me|this|with)|placeholder|insecure|password|passw0rd|secret|example|default|dev[-_. ]?key|(?:^|[^a-z\d])your[-_. ]|sample|qwerty|letmein|keyboard.?cat|abcdefgh|12345678|(?:deadbeef){2}/i;

// Shorter words count only where they stand alone, and in text that is less varied than random text is.
const PLACEHOLDER_WORD =
  /(?:^|[^a-z\d])(?:dev|test|testing|local|demo|todo|fixme|dummy|foo|bar|xxx+|key|admin)(?:$|[^a-z\d])/i;

const TEMPLATE = /^<.*>$|^\{\{.*\}\}$|\$\{.*\}|^\[.*\]$|\.\.\./;

/** Why a key of sufficient length is still not random, or `undefined`. The reason never repeats the key. */
export function weaknessOf(key: string): string | undefined {
  // Enough to judge by; what follows is quadratic at worst.
  const text = key.slice(0, 1024);
  const distinct = new Set(text).size;
  if (TEMPLATE.test(text)) return "is a template that was not filled in";
  if (PLACEHOLDER_ANYWHERE.test(text)) return "reads like a placeholder or an example";
  if (PLACEHOLDER_WORD.test(text) && distinct < text.length / 2) return "reads like a placeholder or an example";
  // 32 random hex digits show fewer than 8 of the 16 in under one key of ten million.
  if (distinct < 8) return "is made of too few different characters";
  if (period(text) <= text.length / 2) return "repeats itself";
  return steps(text) > (text.length * 2) / 3 ? "runs along the alphabet or the digits" : undefined;
}

/** After how many characters the text begins again, the last repetition perhaps cut short; its length where it never does. */
function period(text: string): number {
  for (let length = 1; length < text.length; length++) if (text.startsWith(text.slice(length))) return length;
  return text.length;
}

/** How many characters equal or neighbour the one before. */
function steps(text: string): number {
  let count = 0;
  for (let at = 1; at < text.length; at++) {
    if (Math.abs(text.charCodeAt(at) - text.charCodeAt(at - 1)) <= 1) count++;
  }
  return count;
}
