// Where a request goes: an origin and a path, out of what the caller writes.

import { HttpRetryError } from "../errors.ts";

export interface Address {
  readonly origin: string;
  /** With its query. */
  readonly path: string;
}

/** What comes after the `?`. `undefined` leaves a name out, a list repeats it. */
export type Query = URLSearchParams | Readonly<Record<string, QueryValue | readonly QueryValue[] | undefined>>;

export type QueryValue = string | number | bigint | boolean;

/**
 * A path that `new URL` would leave as it is: no dot segment, no empty one, nothing to escape or to cut off. Parsing is
 * the dearest part of starting a request, and most paths need none.
 */
const PLAIN_PATH = /^(?:\/[\w~!$&()*+,;=:@-][\w~!$&()*+,;=:@.-]*)*\/?(?:\?[\w~!$&()*+,;=:@./?%-]+)?$/;
const ABSOLUTE = /^https?:\/\//i;
// After these, a slash is no beginning of a path; a backslash is one itself.
const ENDS_AUTHORITY = /[?#\\]/;

/**
 * Makes the function that reads what calls are given. With a base, any path is taken under the base's own, whether it
 * starts with a slash or not, and may not leave it; an absolute URL is taken as it is.
 * @throws HttpRetryError `INVALID_OPTION` when the base is no http or https URL, or has credentials, a query or a fragment
 */
export function createAddresses(baseUrl: string | URL | undefined): (url: string | URL) => Address {
  const base = baseUrl === undefined ? undefined : parseBase(baseUrl);
  let lastPrefix = "";
  let lastOrigin = "";

  const under = (path: string): Address => {
    if (!base) throw unusable(path, "has no origin; give an absolute URL, or the client a baseUrl");
    const rooted = path === "" || path.startsWith("/") || path.startsWith("?") ? path : `/${path}`;
    // Nothing but a query would be no path.
    if ((base.path !== "" || rooted.startsWith("/")) && PLAIN_PATH.test(rooted))
      return { origin: base.origin, path: base.path + rooted };
    const url = parse(base.origin + base.path + rooted);
    if (url.origin !== base.origin || !`${url.pathname}/`.startsWith(`${base.path}/`)) {
      throw unusable(path, "leaves the client's baseUrl");
    }
    return addressOf(url);
  };

  return (url) => {
    if (typeof url !== "string") return addressOf(checked(url));
    if (!ABSOLUTE.test(url)) return under(url);
    const end = url.indexOf("/", 8);
    const rest = end < 0 ? "" : url.slice(end);
    if (lastPrefix.length === end && url.startsWith(lastPrefix) && PLAIN_PATH.test(rest)) {
      return { origin: lastOrigin, path: rest };
    }
    const parsed = parse(url);
    const prefix = url.slice(0, Math.max(0, end));
    if (prefix !== "" && !ENDS_AUTHORITY.test(prefix)) {
      lastPrefix = prefix;
      lastOrigin = parsed.origin;
    }
    return addressOf(parsed);
  };
}

export function withQuery(address: Address, query: Query): Address {
  const text = (query instanceof URLSearchParams ? query : searchParams(query)).toString();
  if (text === "") return address;
  const { origin, path } = address;
  const joint = !path.includes("?") ? "?" : path.endsWith("?") || path.endsWith("&") ? "" : "&";
  return { origin, path: `${path}${joint}${text}` };
}

function searchParams(query: Exclude<Query, URLSearchParams>): URLSearchParams {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const each of Array.isArray(value) ? value : [value])
      if (each !== undefined) params.append(name, String(each));
  }
  return params;
}

function parseBase(baseUrl: string | URL): Address {
  const url = parse(String(baseUrl));
  if (url.search !== "" || url.hash !== "")
    throw unusable(url.href, "can't be a baseUrl: leave out query and fragment");
  return { origin: url.origin, path: url.pathname.replace(/\/+$/, "") };
}

function parse(text: string): URL {
  if (!URL.canParse(text)) throw unusable(text, "is not a URL; give one such as https://api.example.com/users");
  return checked(new URL(text));
}

function checked(url: URL): URL {
  if (url.protocol !== "http:" && url.protocol !== "https:") throw unusable(url.href, "is neither http nor https");
  if (url.username !== "" || url.password !== "") {
    throw unusable(url.host, "was given with credentials in its URL; send them in an authorization header");
  }
  return url;
}

function addressOf(url: URL): Address {
  return { origin: url.origin, path: url.pathname + url.search };
}

function unusable(text: string, why: string): HttpRetryError {
  // Without what may hold secrets.
  const [shown = ""] = text.replace(/\/\/[^/]*@/, "//").split(/[?#]/, 1);
  return new HttpRetryError("INVALID_OPTION", `${JSON.stringify(shown.slice(0, 128))} ${why}`);
}
