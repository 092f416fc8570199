// What a key looks like: prefix_environment_ and 46 digits of base62, which are id, secret and a checksum of all before it.

import { BASE62_VALUES, formatChecksum, randomBase62 } from "./base62.ts";
import { addToCrc32, finishCrc32, sumCrc32 } from "./crc32.ts";
import { ApiKeyError } from "./errors.ts";

// Even, as the secret's: they are summed two by two.
const ID_LENGTH = 12;
/** 28 digits of base62 are 166 bits. */
const SECRET_LENGTH = 28;
/** 6 digits hold any CRC-32. */
const CHECKSUM_LENGTH = 6;
export const BODY_LENGTH: number = ID_LENGTH + SECRET_LENGTH + CHECKSUM_LENGTH;

const PREFIX = /^(?=.{2,20}$)[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/;

export interface KeyFormatOptions {
  /** Whose keys they are: 2 to 20 small letters and digits, with `_` between words. Unique on the internet, at best. */
  readonly prefix: string;
  /** What keys are for: `["live", "test"]`. Small letters and digits, 1 to 12 of them each, and not `any`. */
  readonly environments: readonly string[];
}

/** What a key's text says of itself. The checksum is right, which anybody can make it. */
export interface ParsedKey {
  readonly environment: string;
  readonly id: string;
}

export interface KeyFormat {
  readonly prefix: string;
  readonly environments: readonly string[];
  /** A new key, by a random source of bytes. @throws ApiKeyError `INVALID_OPTION`: no such environment */
  make(environment: string, random?: (size: number) => Uint8Array): { readonly id: string; readonly text: string };
  /** Undefined where the text is no key of this prefix and these environments, or its checksum is wrong. */
  parse(text: string): ParsedKey | undefined;
}

/** @throws ApiKeyError `INVALID_OPTION` */
export function createKeyFormat({ prefix, environments }: KeyFormatOptions): KeyFormat {
  checkPrefix(prefix);
  checkEnvironments(environments);
  const heads = environments.map((environment) => {
    const head = `${prefix}_${environment}_`;
    return { environment, head, sum: sumCrc32(head) };
  });

  return {
    prefix,
    environments: Object.freeze([...environments]),
    make(environment, random) {
      if (!environments.includes(environment)) {
        throw new ApiKeyError(
          "INVALID_OPTION",
          `${JSON.stringify(environment)} is none of the environments ${environments.join(", ")}`,
        );
      }
      const id = randomBase62(ID_LENGTH, random);
      const text = `${prefix}_${environment}_${id}${randomBase62(SECRET_LENGTH, random)}`;
      return { id, text: text + formatChecksum(finishCrc32(sumCrc32(text))) };
    },
    parse(text) {
      // It comes from outside, where types are not checked.
      if (typeof text !== "string") return undefined;
      for (const { environment, head, sum } of heads) {
        if (text.length === head.length + BODY_LENGTH && text.startsWith(head)) {
          if (!hasChecksum(text, head.length, sum)) return undefined;
          return { environment, id: text.slice(head.length, head.length + ID_LENGTH) };
        }
      }
      return undefined;
    },
  };
}

/** Reads a key of any prefix and environment. Undefined where the text is no key, or its checksum is wrong. */
export function parseAnyKey(text: string): (ParsedKey & { readonly prefix: string }) | undefined {
  const [, prefix, environment, body] = /^(.{2,20})_([a-z0-9]{1,12})_([0-9A-Za-z]{46})$/.exec(text) ?? [];
  if (prefix === undefined || environment === undefined || body === undefined || !PREFIX.test(prefix)) return undefined;
  const start = text.length - BODY_LENGTH;
  if (!hasChecksum(text, start, sumCrc32(text.slice(0, start)))) return undefined;
  return { prefix, environment, id: body.slice(0, ID_LENGTH) };
}

/** Whether all from `start` is base62 and the last 6 digits are the CRC-32 of what stands before them; `headSum` is that up to `start`. */
function hasChecksum(text: string, start: number, headSum: number): boolean {
  const end = text.length - CHECKSUM_LENGTH;
  let sum = headSum;
  let stray = 0;
  for (let at = start; at < end; at += 2) {
    const first = text.charCodeAt(at);
    const second = text.charCodeAt(at + 1);
    stray |= (BASE62_VALUES[first] ?? -1) | (BASE62_VALUES[second] ?? -1);
    sum = addToCrc32(sum, first, second);
  }
  let checksum = 0;
  for (let at = end; at < text.length; at++) {
    const value = BASE62_VALUES[text.charCodeAt(at)] ?? -1;
    stray |= value;
    checksum = checksum * 62 + value;
  }
  return stray >= 0 && checksum === finishCrc32(sum);
}

function checkPrefix(prefix: string): void {
  if (PREFIX.test(prefix)) return;
  throw new ApiKeyError(
    "INVALID_OPTION",
    `The prefix ${JSON.stringify(prefix)} must be 2 to 20 small letters and digits with "_" between words, a letter first`,
  );
}

function checkEnvironments(environments: readonly string[]): void {
  const isGood = environments.every((environment) => /^(?!any$)[a-z0-9]{1,12}$/.test(environment));
  if (isGood && environments.length > 0 && new Set(environments).size === environments.length) return;
  throw new ApiKeyError(
    "INVALID_OPTION",
    `The environments ${JSON.stringify(environments)} must be one or more different words of 1 to 12 small letters and digits, "any" not among them`,
  );
}
