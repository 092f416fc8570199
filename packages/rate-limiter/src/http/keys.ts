// What requests are counted by, when the caller has nothing better: the client's address.

import {
  addressPrefix,
  type ClientAddressOptions,
  createClientAddress,
  type PrefixOptions,
  type RequestView,
} from "@holdfast/core/http";

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
  return (view) => {
    const address = clientAddress(view);
    return address === undefined ? "address unknown" : `address ${addressPrefix(address, options)}`;
  };
}
