// Who the client is, behind proxies: a walk through what they say of each other, from the right, as far as they are trusted.

import type { Address } from "./address.ts";
import { formatAddress, readAddress } from "./address-bits.ts";
import { forwardedFor, lastElement } from "./forwarded.ts";
import type { RequestView } from "./request-view.ts";
import { compileTrust, MOST_HOPS, type TrustedProxies } from "./trusted-proxies.ts";

export interface ClientAddressOptions {
  /** Default 0: nobody is trusted, the client is the socket's other end. */
  readonly trustedProxies?: TrustedProxies | undefined;
  /**
   * The one header that your proxies write, and clients' own copies of which they append to or replace.
   * Default `"x-forwarded-for"`; `"forwarded"` is RFC 7239's. The other one is never looked at.
   */
  readonly header?: "x-forwarded-for" | "forwarded" | undefined;
}

/**
 * Makes the function that says which address a request comes from. It starts at the socket's address and goes on to the left
 * through the header for as long as the address it stands at is a trusted proxy's; what an untrusted one wrote is never read.
 * A malformed, obfuscated (`unknown`, `_hidden`) or overlong entry ends the walk at the last trusted hop. At most 32
 * entries of at most 512 characters are looked at, however long the header. Undefined: the socket has no IP address.
 *
 * @example
 * const clientAddress = createClientAddress({ trustedProxies: ["private"] });
 * const address = clientAddress(fromExpress(req));
 * @throws HoldfastError `INVALID_TRUSTED_PROXY`
 */
export function createClientAddress(options: ClientAddressOptions = {}): (view: RequestView) => Address | undefined {
  const { trustedProxies = 0, header = "x-forwarded-for" } = options;
  const trusts = compileTrust(trustedProxies);
  const isForwarded = header === "forwarded";

  return (view) => {
    const socket = view.address;
    let client = socket === undefined ? undefined : readAddress(socket);
    const value = trusts(client, 0) ? (view.header(header) ?? "") : "";
    let end = value.length;
    for (let hop = 0, seen = 0; end > 0 && seen < MOST_HOPS; seen++) {
      const start = lastElement(value, end);
      if (start === -1) break;
      const element = value.slice(start, end).trim();
      end = start - 1;
      // RFC 9110, 5.6.1.2: empty elements of a list don't count.
      if (element === "") continue;
      const text = isForwarded ? forwardedFor(element) : element;
      const bits = text === undefined ? undefined : readAddress(text);
      if (bits === undefined) break;
      client = bits;
      if (!trusts(client, ++hop)) break;
    }
    return client === undefined ? undefined : (formatAddress(client) as Address);
  };
}
