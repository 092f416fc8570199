// What may be shown of a valid value: nothing of a secret, a URL without its user and password.

import { Secret } from "@holdfast/core";

export const REDACTED = "[redacted]";

// Words that mark a secret anywhere in a name, and short ones that do at the end of it or of one of its parts.
const SECRET_NAME =
  /TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL|PRIVATE|COOKIE|WEBHOOK|SIGNATURE|(KEY|PASS|PWD|AUTH|SALT|PEPPER|DSN|PIN|SIG)S?(_|$)/i;

// Shapes that issuers chose so that scanners find them: PEM, JWT, AWS, GitHub, Slack, Stripe and their like.
const SECRET_SHAPE = /-----BEGIN|\beyJ[\w-]{8,}\.|\bAKIA[A-Z\d]{12}|\bgh[pousr]_\w{16}|\bxox[abeprs]-|\b[rs]k[-_]\w{8}/;

/** Whether a variable is a secret by the look of its name: `API_KEY`, `dbPassword`, `SENTRY_DSN`. */
export function looksSecret(name: string): boolean {
  return SECRET_NAME.test(name);
}

export function isSecret(value: unknown): value is Secret<unknown> {
  // By tag as well: a second copy of core in the tree has a class of its own.
  return value instanceof Secret || Object.prototype.toString.call(value) === "[object Secret]";
}

/** Text without the user and password of a URL and without what follows a `password=`. Errs towards hiding. */
export function redactText(text: string): string {
  if (SECRET_SHAPE.test(text)) return REDACTED;
  // Up to the last @ there is: an unescaped "/" or "#" in a password would end a narrower match too soon.
  const hostsOnly = text.replace(
    /(\/\/)\S*@|^(?!\w[\w+.-]*:\/\/)[^\s/@]+:\S+@/g,
    (_, slashes = "") => `${slashes}${REDACTED}@`,
  );
  for (const pair of hostsOnly.matchAll(/([\w.-]+)\s*=\s*/g)) {
    // Nothing after it is shown: the ";" of a connection string, or an "&" that nobody escaped, may be in the password.
    if (looksSecret(pair[1] ?? "")) return hostsOnly.slice(0, pair.index + pair[0].length) + REDACTED;
  }
  return hostsOnly;
}

/** Without control characters, which could move a terminal's cursor or forge a line of a log. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ").toWellFormed();
}
