// Which addresses may say whom they speak for.

import { HoldfastError } from "@holdfast/core";
import {
  type AddressBits,
  addressWidth,
  carriedIPv4,
  formatAddress,
  maskAddress,
  readIPv4,
  readIPv6,
} from "./address-bits.ts";
import type { HttpErrorCode } from "./errors.ts";

/**
 * How many proxies stand in front, or who they are: addresses (`"192.0.2.1"`), CIDR ranges (`"10.0.0.0/8"`, `"fd00::/8"`),
 * `"loopback"` (127.0.0.0/8, ::1) and `"private"` (RFC 1918: 10/8, 172.16/12, 192.168/16; RFC 4193: fc00::/7).
 * A count holds only where nobody reaches the service around the proxies. `0` and `[]` trust none.
 */
export type TrustedProxies = number | readonly string[];

/** Whether the address that stands `hop` places before this service (0: the socket's other end) may name the one before it. */
export type Trust = (bits: AddressBits | undefined, hop: number) => boolean;

/** The walk's upper bound, and so a hop count's. */
export const MOST_HOPS = 32;

const NAMED: Readonly<Record<string, readonly string[]>> = {
  loopback: ["127.0.0.0/8", "::1"],
  private: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
};

interface Range {
  readonly network: AddressBits;
  readonly length: number;
}

export function compileTrust(proxies: TrustedProxies): Trust {
  if (typeof proxies === "number") {
    if (Number.isInteger(proxies) && proxies >= 0 && proxies <= MOST_HOPS) return (_, hop) => hop < proxies;
    throw invalid(proxies, `is no hop count: give a whole number from 0 to ${MOST_HOPS}`);
  }
  if (!Array.isArray(proxies)) throw invalid(proxies, "is neither a hop count nor a list of addresses and ranges");
  const ranges = proxies
    .flatMap((proxy) => (Object.hasOwn(NAMED, proxy) ? (NAMED[proxy] ?? []) : [proxy]))
    .map(parseRange);
  return (bits) => bits !== undefined && ranges.some((range) => contains(range, bits));
}

function parseRange(text: string): Range {
  const [host = "", prefix, more] = String(text).split("/");
  const ipv4 = readIPv4(host);
  const bits = ipv4 >= 0 ? ipv4 : readIPv6(host);
  if (bits === undefined || more !== undefined || !(prefix === undefined || /^(0|[1-9]\d{0,2})$/.test(prefix))) {
    throw invalid(text, 'is no address, no range such as "10.0.0.0/8", and neither "loopback" nor "private"');
  }
  const length = prefix === undefined ? addressWidth(bits) : Number(prefix);
  if (length > addressWidth(bits)) throw invalid(text, `has a prefix longer than ${addressWidth(bits)} bits`);
  if (length === 0) {
    throw invalid(
      text,
      "trusts every address, so any client could claim any other: give the proxies' ranges or a hop count",
    );
  }
  const carried = typeof bits === "number" ? undefined : carriedIPv4(bits);
  if (carried === undefined) return { network: checkedNetwork(text, bits, length), length };
  if (length <= 96) {
    // Cut to the bits of IPv4, such a range is all of IPv4 (CVE-2026-90711).
    throw invalid(
      text,
      `would trust all of IPv4: in this notation an IPv4 prefix of n bits is 96 + n, or write ${formatAddress(carried)}/n`,
    );
  }
  return { network: checkedNetwork(text, carried, length - 96), length: length - 96 };
}

function checkedNetwork(text: string, bits: AddressBits, length: number): AddressBits {
  const network = maskAddress(bits, length);
  if (formatAddress(network) === formatAddress(bits)) return network;
  throw invalid(text, `has bits set past its prefix: write ${formatAddress(network)}/${length}, or the address alone`);
}

function contains({ network, length }: Range, bits: AddressBits): boolean {
  if (typeof bits === "number") return typeof network === "number" && (bits ^ network) >>> (32 - length) === 0;
  if (typeof network === "number") return false;
  for (let i = 0, left = length; left > 0; i++, left -= 16) {
    if (((bits[i] ?? 0) ^ (network[i] ?? 0)) >>> Math.max(0, 16 - left)) return false;
  }
  return true;
}

function invalid(proxy: unknown, what: string): HoldfastError<HttpErrorCode> {
  const shown = typeof proxy === "string" ? JSON.stringify(proxy.slice(0, 64)) : String(proxy);
  return new HoldfastError("INVALID_TRUSTED_PROXY", `trustedProxies: ${shown} ${what}`);
}
