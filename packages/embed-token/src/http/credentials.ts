// Where a request for data carries its session: in a header, or in the cookie of the frame that it comes from.

import type { RequestView } from "@holdfast/core/http";
import { EmbedTokenError } from "../errors.ts";

/** Name, value and attributes together (RFC 6265, 6.1): browsers keep no more, and drop what is larger without a word. */
const MOST_COOKIE_BYTES = 4096;

/** What a frame's script names its document by, so that two frames of one page have two cookies. */
export function isFrame(value: unknown): value is string {
  return typeof value === "string" && /^[\w-]{16,64}$/.test(value);
}

/** The bearer (RFC 6750), or the cookie of the frame that the request names. Both at once: neither. */
export function credentialsOf(view: RequestView): string | undefined {
  const bearer = /^Bearer +(\S+) *$/i.exec(view.header("authorization") ?? "")?.[1];
  const frame = view.header("embed-frame");
  const cookie = isFrame(frame) ? cookieOf(view, nameOf(frame)) : undefined;
  return bearer !== undefined && cookie !== undefined ? undefined : (bearer ?? cookie);
}

/**
 * `__Host-`: no other host and no plain HTTP can set it. Partitioned: it is kept for the site around the frame, so that blocking
 * third-party cookies leaves it alone (https://www.ietf.org/archive/id/draft-cutler-httpbis-partitioned-cookies-01.html).
 * @throws EmbedTokenError `SESSION_TOO_LARGE`
 */
export function sessionCookie(frame: string, session: string, maxAge: number): string {
  const cookie = `${nameOf(frame)}=${session}; Path=/; Max-Age=${maxAge}; Secure; HttpOnly; SameSite=None; Partitioned`;
  // All of it is ASCII.
  if (cookie.length <= MOST_COOKIE_BYTES) return cookie;
  throw new EmbedTokenError(
    "SESSION_TOO_LARGE",
    `The session's cookie would have ${cookie.length} bytes, and browsers keep ${MOST_COOKIE_BYTES}: give the token fewer filters and scopes, or keep sessions as bearer`,
  );
}

function nameOf(frame: string): string {
  return `__Host-embed-${frame}`;
}

function cookieOf(view: RequestView, name: string): string | undefined {
  const values = (view.header("cookie") ?? "")
    .split(/; */)
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
  return values.length === 1 ? values[0] : undefined;
}
