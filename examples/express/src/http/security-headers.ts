// Headers that keep a browser from making more of an answer than the JSON that it is.

import type { RequestHandler } from "express";

const HEADERS: Readonly<Record<string, string>> = {
  // Nothing may be loaded, framed or submitted. The last three are not covered by default-src.
  "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  // The same as frame-ancestors, for browsers that don't know it.
  "X-Frame-Options": "DENY",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cache-Control": "no-store",
};

/**
 * Strict-Transport-Security goes out only where PUBLIC_URL says that clients come by TLS: over plain HTTP it must not be
 * sent (RFC 6797, 7.2), and the service can't see for itself what a proxy ended. It speaks for this host alone, so
 * without includeSubDomains.
 */
export function securityHeaders(publicUrl: string | undefined): RequestHandler {
  const overTls = publicUrl?.startsWith("https:") ?? false;
  const headers = overTls ? { ...HEADERS, "Strict-Transport-Security": "max-age=31536000" } : HEADERS;
  return (_request, response, next) => {
    response.set(headers);
    next();
  };
}
