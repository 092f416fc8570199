// What requests are counted by, when the caller has nothing better: the client's address.

import {
  addressPrefix,
  type ClientAddressOptions,
  createClientAddress,
  type PrefixOptions,
  type RequestView,
} from "@holdfast/core/http";

// About 200 bytes each; more than a process has connections at work at the same time.
const MOST_REMEMBERED = 1000;

export type AddressKeyOptions = ClientAddressOptions & PrefixOptions;

/**
 * A key for each client address: an IPv4 address by itself, IPv6 by its /56, decided by bits however it is written. Forwarding
 * headers count only as far as `trustedProxies` says, which is not at all by default. Requests whose address is not known
 * share one key.
 *
 * @throws HoldfastError `INVALID_TRUSTED_PROXY`, `INVALID_PREFIX_LENGTH`
 */
export function byAddress(options: AddressKeyOptions = {}): (view: RequestView) => string {
  const clientAddress = createClientAddress(options);
  const keyOf = (view: RequestView): string => {
    const address = clientAddress(view);
    return address === undefined ? "address unknown" : `address ${addressPrefix(address, options)}`;
  };
  return (options.trustedProxies ?? 0) === 0 ? rememberedBySocket(keyOf) : keyOf;
}

/** Where no header counts, the requests of a connection have one key. */
function rememberedBySocket(keyOf: (view: RequestView) => string): (view: RequestView) => string {
  const known = new Map<string | undefined, string>();
  return (view) => {
    const { address } = view;
    const found = known.get(address);
    if (found !== undefined) return found;
    const key = keyOf(view);
    if (known.size >= MOST_REMEMBERED) known.clear();
    known.set(address, key);
    return key;
  };
}
