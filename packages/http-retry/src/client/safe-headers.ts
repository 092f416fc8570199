// Which request headers may follow a redirect to another origin.

/**
 * What says nothing of who asks: anything else may be a credential, under whatever name (`Authorization`, `Cookie`,
 * `X-Api-Key`). These are the names of content negotiation, conditions, ranges, caching, the body's own, and of tracing.
 */
const SAFE_HEADERS: ReadonlySet<string> = new Set([
  "accept",
  "accept-charset",
  "accept-encoding",
  "accept-language",
  "cache-control",
  "content-encoding",
  "content-language",
  "content-length",
  "content-location",
  "content-type",
  "idempotency-key",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "pragma",
  "range",
  "sec-fetch-mode",
  "traceparent",
  "tracestate",
  "user-agent",
]);

/** Only what may be sent to another origin than the one that the headers were made for. Names in whatever case. */
export function withSafeHeadersOnly<Value>(headers: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => SAFE_HEADERS.has(name.toLowerCase())));
}
