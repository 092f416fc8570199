// Which requests may be sent twice without doing twice what they ask for.

// RFC 9110, 9.2.2: the safe methods, PUT and DELETE; and QUERY, which is safe too (RFC 10008).
const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY"]);

/** Methods are case-sensitive (RFC 9110, 9.1): `get` is another method than `GET`, and nothing is known of it. */
export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.has(method);
}
