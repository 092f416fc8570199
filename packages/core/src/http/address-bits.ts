// Reading and writing the bits of IP addresses; address.ts is the face of it.

/** IPv4: one unsigned 32-bit number. IPv6: eight 16-bit groups. */
export type AddressBits = number | readonly number[];

// "[", 45 characters of address, "%" and a zone, "]", ":" and a port leave room to spare.
const LONGEST_TEXT = 128;

/** What `parseAddress` reads: an address with or without brackets, port and zone, the IPv4 one where it carries one. */
export function readAddress(text: string): AddressBits | undefined {
  if (text.length > LONGEST_TEXT) return undefined;
  if (text.startsWith("::ffff:")) {
    // As a dual-stack socket shows IPv4, which is most of what comes by.
    const mapped = readIPv4(text.slice(7));
    if (mapped >= 0) return mapped;
  }
  let host = text;
  if (text.startsWith("[")) {
    const end = text.indexOf("]");
    if (end === -1 || !isPortOrNothing(text.slice(end + 1))) return undefined;
    host = text.slice(1, end);
    if (!host.includes(":")) return undefined;
  } else {
    const colon = text.indexOf(":");
    if (colon !== -1 && colon === text.lastIndexOf(":")) {
      if (!isPortOrNothing(text.slice(colon))) return undefined;
      host = text.slice(0, colon);
    }
  }
  const zone = host.indexOf("%");
  if (zone !== -1) {
    if (!/^[\w.~-]+$/.test(host.slice(zone + 1))) return undefined;
    host = host.slice(0, zone);
  }
  const ipv4 = readIPv4(host);
  if (ipv4 >= 0) return ipv4;
  const groups = readIPv6(host);
  return groups && (carriedIPv4(groups) ?? groups);
}

function isPortOrNothing(text: string): boolean {
  return text === "" || (/^:\d{1,5}$/.test(text) && Number(text.slice(1)) <= 65_535);
}

/** How many bits an address of this family has. */
export function addressWidth(bits: AddressBits): 32 | 128 {
  return typeof bits === "number" ? 32 : 128;
}

/** The address with all bits after the first `length` set to 0. */
export function maskAddress(bits: AddressBits, length: number): AddressBits {
  if (typeof bits === "number") return length === 0 ? 0 : (bits & (0xffffffff << (32 - length))) >>> 0;
  const masked = bits.slice();
  for (let i = length >> 4; i < 8; i++) {
    masked[i] = i === length >> 4 ? (masked[i] ?? 0) & (0xffff << (16 - (length & 15))) : 0;
  }
  return masked;
}

/** The IPv4 address inside a mapped one (RFC 4291, 2.5.5.2) or one of NAT64's well-known prefix (RFC 6052, 2.1). */
export function carriedIPv4(groups: readonly number[]): number | undefined {
  if (groups[2] !== 0 || groups[3] !== 0 || groups[4] !== 0) return undefined;
  const isMapped = groups[0] === 0 && groups[1] === 0 && groups[5] === 0xffff;
  const isNat64 = groups[0] === 0x64 && groups[1] === 0xff9b && groups[5] === 0;
  return isMapped || isNat64 ? (groups[6] ?? 0) * 0x10000 + (groups[7] ?? 0) : undefined;
}

/** The eight groups of an IPv6 address that is nothing but an address, not yet folded into the IPv4 one that it may carry. */
export function readIPv6(text: string): number[] | undefined {
  const groups = [0, 0, 0, 0, 0, 0, 0, 0];
  let count = 0;
  let gap = -1;
  let at = 0;
  if (text.startsWith("::")) {
    gap = 0;
    at = 2;
  }
  while (at < text.length) {
    if (count === 8) return undefined;
    const start = at;
    let group = 0;
    for (let digit = hexDigit(text, at); digit >= 0; digit = hexDigit(text, at)) {
      group = group * 16 + digit;
      at++;
    }
    if (text.charCodeAt(at) === DOT) {
      const tail = readIPv4(text.slice(start));
      if (tail < 0 || count > 6) return undefined;
      groups[count++] = tail >>> 16;
      groups[count++] = tail & 0xffff;
      break;
    }
    if (at === start || at - start > 4) return undefined;
    groups[count++] = group;
    if (at === text.length) break;
    if (text.charCodeAt(at++) !== COLON || at === text.length) return undefined;
    if (text.charCodeAt(at) === COLON) {
      if (gap !== -1) return undefined;
      gap = count;
      at++;
    }
  }
  if (gap === -1) return count === 8 ? groups : undefined;
  // "::" stands for at least one group of zeros.
  if (count === 8) return undefined;
  return groups.copyWithin(gap + 8 - count, gap, count).fill(0, gap, gap + 8 - count);
}

/** -1 where the text is not four decimal numbers up to 255, without leading zeros. */
export function readIPv4(text: string): number {
  if (text.length > 15) return -1;
  let address = 0;
  let byte = -1;
  let dots = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === DOT) {
      if (byte === -1 || ++dots > 3) return -1;
      address = address * 256 + byte;
      byte = -1;
    } else {
      const digit = code - ZERO;
      if (digit < 0 || digit > 9 || byte === 0) return -1;
      byte = byte === -1 ? digit : byte * 10 + digit;
      if (byte > 255) return -1;
    }
  }
  return dots === 3 && byte !== -1 ? address * 256 + byte : -1;
}

/** The canonical text: dotted, or as RFC 5952 writes it. */
export function formatAddress(bits: AddressBits): string {
  if (typeof bits === "number") {
    return `${bits >>> 24}.${(bits >>> 16) & 255}.${(bits >>> 8) & 255}.${bits & 255}`;
  }
  // RFC 5952, 4.2: the longest run of two or more zero groups, the first of equals, becomes "::".
  let gap = -1;
  let gapLength = 1;
  for (let i = 0, run = 0; i < 8; i++) {
    run = bits[i] === 0 ? run + 1 : 0;
    if (run > gapLength) {
      gapLength = run;
      gap = i - run + 1;
    }
  }
  let text = "";
  let separator = "";
  for (let i = 0; i < 8; i++) {
    if (i === gap) {
      text += "::";
      separator = "";
      i += gapLength - 1;
    } else {
      text += separator + (bits[i] ?? 0).toString(16);
      separator = ":";
    }
  }
  return text;
}

function hexDigit(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code >= ZERO && code <= ZERO + 9) return code - ZERO;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

const ZERO = 0x30;
const DOT = 0x2e;
const COLON = 0x3a;
