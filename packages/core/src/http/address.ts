// IP addresses by their bits: one spelling for each, and prefixes that no notation can slip past.

import { HoldfastError } from "@holdfast/core";
import { addressWidth, formatAddress, maskAddress, readAddress, readIPv4 } from "./address-bits.ts";
import type { HttpErrorCode } from "./errors.ts";

declare const canonical: unique symbol;

/** An IPv4 address in dotted form or an IPv6 address as RFC 5952 writes it. Two are equal as strings if and only if they are one address. */
export type Address = string & { readonly [canonical]: "Address" };

export interface PrefixOptions {
  /** 1 to 128. Default 56, what a site commonly gets (RFC 6177): whoever holds one has 2^72 addresses to rotate through. */
  readonly ipv6PrefixLength?: number | undefined;
  /** 1 to 32. Default 32: each address by itself. */
  readonly ipv4PrefixLength?: number | undefined;
}

/**
 * The canonical form of an address, or undefined where the text is none. IPv4 is four decimal numbers without leading
 * zeros. A port and the brackets before it (`192.0.2.1:80`, `[2001:db8::1]:443`) and a zone (`fe80::1%eth0`) are dropped. An
 * IPv6 address that carries an IPv4 one (mapped, `::ffff:0:0/96`; NAT64, `64:ff9b::/96`) becomes the IPv4 address.
 */
export function parseAddress(text: string): Address | undefined {
  // An IPv4 address that passes is its own canonical form.
  if (readIPv4(text) >= 0) return text as Address;
  const bits = readAddress(text);
  return bits === undefined ? undefined : (formatAddress(bits) as Address);
}

/**
 * The network that an address lies in, as a canonical string to count by: `2001:db8:0:ff00::/56`, or the plain address where the
 * prefix is all of it.
 * @throws HoldfastError `INVALID_ADDRESS`: a text that is no address; `INVALID_PREFIX_LENGTH`: no whole number in range
 */
export function addressPrefix(address: Address, options: PrefixOptions = {}): string {
  const { ipv4PrefixLength = 32, ipv6PrefixLength = 56 } = options;
  checkLength("ipv4PrefixLength", ipv4PrefixLength, 32);
  checkLength("ipv6PrefixLength", ipv6PrefixLength, 128);
  const ipv4 = readIPv4(address);
  if (ipv4 >= 0 && ipv4PrefixLength === 32) return address;
  const bits = ipv4 >= 0 ? ipv4 : readAddress(address);
  if (bits === undefined) {
    throw new HoldfastError<HttpErrorCode>(
      "INVALID_ADDRESS",
      `${JSON.stringify(String(address).slice(0, 64))} is no IP address: pass what parseAddress or createClientAddress gave`,
    );
  }
  const length = typeof bits === "number" ? ipv4PrefixLength : ipv6PrefixLength;
  const network = formatAddress(maskAddress(bits, length));
  return length === addressWidth(bits) ? network : `${network}/${length}`;
}

function checkLength(name: string, length: number, width: number): void {
  if (Number.isInteger(length) && length >= 1 && length <= width) return;
  throw new HoldfastError<HttpErrorCode>(
    "INVALID_PREFIX_LENGTH",
    `${name} is ${length}: it must be a whole number from 1 to ${width}`,
  );
}
