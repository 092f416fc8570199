// Which pages may show a dashboard: origins exactly as browsers serialise them, and wildcards for one whole label.

/** How long a host can be in DNS, with scheme and port. */
const MOST_CHARACTERS = 253 + "https://*.".length + ":65535".length;

// URLs may have hosts with more characters, such as "*" and ";". DNS has none of them, and in a header they would mean something else.
const FORM = /^https?:\/\/(?:\*\.)?(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/;

/**
 * Whether a text is an origin exactly as a browser serialises it (HTML, "serialization of an origin"): http or https, a host in small letters
 * and punycode, a port only where it is not the scheme's own, nothing after it. `null`, which stands for all opaque origins at once, is none.
 */
export function isOrigin(text: string): boolean {
  return hasPatternForm(text) && !text.includes("*") && URL.parse(text)?.origin === text;
}

/**
 * Whether a text is an origin, or one with `*` for the first label of its host: `https://*.example.com`. At least two labels
 * must follow, and no public suffix is known here: whoever lists `https://*.github.io` lists everybody.
 */
export function isOriginPattern(text: string): boolean {
  const rest = afterWildcard(text);
  if (rest === undefined) return isOrigin(text);
  const { scheme, domain } = rest;
  return isOrigin(`${scheme}a.${domain}`) && /^[^.:]+\.[^.:]+/.test(domain);
}

/**
 * Whether a text could be a pattern by its characters: enough for one that is signed, and harmless in a header. What is written
 * otherwise than browsers do is no page's origin.
 */
export function hasPatternForm(text: string): boolean {
  return text.length <= MOST_CHARACTERS && FORM.test(text);
}

/**
 * Whether a page of this origin is one of those that the patterns name. A wildcard stands for one label, not for several and not for
 * none. `origin` is what the browser says; `patterns` have passed `isOriginPattern`, when their token was issued.
 */
export function isAmong(origin: string, patterns: readonly string[]): boolean {
  if (patterns.includes(origin)) return hasPatternForm(origin) && !origin.includes("*");
  return patterns.some((pattern) => matchesWildcard(origin, pattern)) && isOrigin(origin);
}

function matchesWildcard(origin: string, pattern: string): boolean {
  const rest = afterWildcard(pattern);
  if (rest === undefined) return false;
  const { scheme, domain } = rest;
  const label = origin.slice(scheme.length, -domain.length - 1);
  return label !== "" && !label.includes(".") && origin === `${scheme}${label}.${domain}`;
}

/** What stands before and after `*.`, where that is where a wildcard may stand. */
function afterWildcard(pattern: string): { readonly scheme: string; readonly domain: string } | undefined {
  const at = pattern.indexOf("://*.");
  return at < 0 ? undefined : { scheme: pattern.slice(0, at + 3), domain: pattern.slice(at + 5) };
}
