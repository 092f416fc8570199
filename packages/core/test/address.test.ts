import { BlockList, isIP, isIPv4, SocketAddress } from "node:net";
import fc from "fast-check";
import { describe, expect, expectTypeOf, it } from "vitest";
import { type Address, addressPrefix, parseAddress } from "../src/http/index.ts";

const ipv4 = fc.ipV4();
const groups = fc.array(fc.oneof(fc.constant(0), fc.nat({ max: 0xffff })), { minLength: 8, maxLength: 8 });

/** One IPv6 address in one of its many spellings. */
const spelled = groups.chain((eight) =>
  fc
    .record({
      isUpper: fc.boolean(),
      isPadded: fc.boolean(),
      isDotted: fc.boolean(),
      gapAt: fc.nat({ max: 7 }),
      gapLength: fc.integer({ min: 0, max: 8 }),
    })
    .map((style) => ({ eight, text: spell(eight, style) })),
);

interface Style {
  readonly isUpper: boolean;
  readonly isPadded: boolean;
  readonly isDotted: boolean;
  readonly gapAt: number;
  readonly gapLength: number;
}

function spell(eight: readonly number[], { isUpper, isPadded, isDotted, gapAt, gapLength }: Style): string {
  const words = eight.map((group) => group.toString(16).padStart(isPadded ? 4 : 1, "0"));
  if (isDotted) words.splice(6, 2, [eight[6]! >> 8, eight[6]! & 255, eight[7]! >> 8, eight[7]! & 255].join("."));
  const isGap = gapLength > 0 && gapAt + gapLength <= words.length;
  const canGap =
    isGap && (gapAt + gapLength <= 6 || !isDotted) && eight.slice(gapAt, gapAt + gapLength).every((g) => g === 0);
  const text = canGap
    ? `${words.slice(0, gapAt).join(":")}::${words.slice(gapAt + gapLength).join(":")}`
    : words.join(":");
  return isUpper ? text.toUpperCase() : text;
}

const isMappedOrNat64 = (eight: readonly number[]) =>
  /^(0,0,0,0,0,65535|100,65435,0,0,0,0)$/.test(eight.slice(0, 6).join());

const address = (text: string): Address => {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`${text} should be an address`);
  return parsed;
};

describe("parseAddress", () => {
  it.each([
    ["192.0.2.1", "192.0.2.1"],
    ["0.0.0.0", "0.0.0.0"],
    ["255.255.255.255", "255.255.255.255"],
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["2001:0db8:0000:0001:0000:0000:0000:0001", "2001:db8:0:1::1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
    ["::", "::"],
    ["::1", "::1"],
    ["1::", "1::"],
    ["2001:db8::192.0.2.1", "2001:db8::c000:201"],
    ["::1.2.3.4", "::102:304"],
  ])("writes %s as %s", (text, canonical) => {
    expect(parseAddress(text)).toBe(canonical);
  });

  it.each([
    "::ffff:192.0.2.1",
    "::FFFF:192.0.2.1",
    "::ffff:c000:201",
    "::ffff:C000:0201",
    "0:0:0:0:0:ffff:192.0.2.1",
    "0000:0000:0000:0000:0000:ffff:c000:0201",
    "0::ffff:192.0.2.1",
    "[::ffff:192.0.2.1]:443",
    "::ffff:192.0.2.1%eth0",
    "64:ff9b::192.0.2.1",
    "64:ff9b::c000:201",
    "0064:FF9B:0:0:0:0:192.0.2.1",
    "192.0.2.1:80",
    "192.0.2.1:65535",
    "192.0.2.1%eth0",
  ])("sees 192.0.2.1 in %s", (text) => {
    expect(parseAddress(text)).toBe("192.0.2.1");
  });

  it.each([
    ["[::1]", "::1"],
    ["[2001:db8::1]:443", "2001:db8::1"],
    ["fe80::1%eth0", "fe80::1"],
    ["fe80::1%25en0.1", "fe80::1"],
    ["[fe80::1%eth0]:8080", "fe80::1"],
  ])("drops brackets, port and zone of %s", (text, canonical) => {
    expect(parseAddress(text)).toBe(canonical);
  });

  it.each([
    "",
    " ",
    "unknown",
    "_hidden",
    "localhost",
    " 192.0.2.1",
    "192.0.2.1 ",
    "192.0.2.1\n",
    "192.0.2",
    "192.0.513",
    "3221225985",
    "0xc0000201",
    "0xc0.0.2.1",
    "192.0.2.01",
    "0300.0.2.1",
    "192.0.2.256",
    "192.0.2.1.",
    ".192.0.2.1",
    "192..2.1",
    "192.0.2.1.1",
    "-1.0.2.1",
    "192.0.2.1/32",
    "192.0.2.1:",
    "192.0.2.1:65536",
    "192.0.2.1:080000",
    "192.0.2.1:http",
    "192.0.2.1%",
    "192.0.2.1% ",
    "[192.0.2.1]",
    "[192.0.2.1]:80",
    "[::1",
    "::1]",
    "[::1]443",
    "[::1]:",
    "[]",
    ":",
    ":::",
    ":1",
    "1:",
    "1::2::3",
    "::1::",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4::5:6:7:8",
    "::1:2:3:4:5:6:7:8",
    "12345::",
    "g::",
    "1.2.3.4::",
    "::1.2.3.4:5",
    "::1.2.3",
    "::01.2.3.4",
    "1:2:3:4:5:6:7:1.2.3.4",
    "::1:2:3:4:5:6:7:1.2.3.4",
    "::1:2:3:4:5:6:7:8:9",
    "1::2:3:4:5:6:7:8:9:a",
    "::ffff:01.2.3.4",
    "::ffff:1.2.3.4.5",
    "fe80::1%",
    "٣.0.2.1",
    "1".repeat(100_000),
    `fe80::1%${"z".repeat(100_000)}`,
  ])("refuses %j", (text) => {
    expect(parseAddress(text.slice())).toBeUndefined();
  });

  it("takes as addresses what node:net takes, but for a port, brackets and a zone on IPv4", () => {
    const text = fc.oneof(
      fc.string({ unit: fc.constantFrom(..."0129afF:.%"), maxLength: 24 }),
      fc.ipV6(),
      ipv4,
      fc
        .tuple(fc.ipV6(), fc.nat({ max: 40 }), fc.constantFrom(..."0f:.g%"))
        .map(([ip, at, char]) => ip.slice(0, at) + char + ip.slice(at + 1)),
      fc
        .tuple(ipv4, fc.nat({ max: 15 }), fc.constantFrom(..."0.9x"))
        .map(([ip, at, char]) => ip.slice(0, at) + char + ip.slice(at)),
    );
    fc.assert(
      fc.property(text, (candidate) => {
        const isPorted = /^[^:]*:[^:]*$/.test(candidate);
        const isZonedIPv4 = /^[^:]*%/.test(candidate);
        fc.pre(!isPorted && !isZonedIPv4);
        // Of zones, node:net takes any text.
        fc.pre(!candidate.includes("%") || /%[\w.~-]+$/.test(candidate));
        expect(parseAddress(candidate) !== undefined).toBe(isIP(candidate) !== 0);
      }),
      { numRuns: 5000 },
    );
  });

  it("writes every spelling of an IPv6 address as the URL standard and the system do", () => {
    fc.assert(
      fc.property(spelled, ({ eight, text }) => {
        fc.pre(!isMappedOrNat64(eight));
        const canonical = parseAddress(text);
        expect(canonical).toBe(new URL(`http://[${text}]/`).hostname.slice(1, -1));
        // inet_ntop writes ::a.b.c.d dotted, RFC 5952 leaves that to known prefixes.
        const system = new SocketAddress({ address: text, family: "ipv6" }).address;
        if (!system.includes(".")) expect(canonical).toBe(system);
      }),
      { numRuns: 2000 },
    );
  });

  it("finds the IPv4 address in every spelling of a mapped or NAT64 one", () => {
    const prefix = fc.constantFrom([0, 0, 0, 0, 0, 0xffff], [0x64, 0xff9b, 0, 0, 0, 0]);
    const style = fc.record({
      isUpper: fc.boolean(),
      isPadded: fc.boolean(),
      isDotted: fc.boolean(),
      gapAt: fc.nat({ max: 7 }),
      gapLength: fc.integer({ min: 0, max: 8 }),
    });
    fc.assert(
      fc.property(prefix, ipv4, style, (six, inside, how) => {
        const [a, b, c, d] = inside.split(".").map(Number) as [number, number, number, number];
        expect(parseAddress(spell([...six, a * 256 + b, c * 256 + d], how))).toBe(inside);
      }),
      { numRuns: 1000 },
    );
  });

  it("leaves a canonical form as it is", () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV6(), ipv4), (text) => {
        const canonical = address(text);
        expect(parseAddress(canonical)).toBe(canonical);
        expect(isIP(canonical)).not.toBe(0);
      }),
    );
  });

  it("gives strings of their own type", () => {
    expectTypeOf(parseAddress).returns.toEqualTypeOf<Address | undefined>();
    expectTypeOf<Address>().toExtend<string>();
    expectTypeOf<string>().not.toExtend<Address>();
  });
});

describe("addressPrefix", () => {
  it.each([
    ["203.0.113.7", {}, "203.0.113.7"],
    ["203.0.113.7", { ipv4PrefixLength: 24 }, "203.0.113.0/24"],
    ["203.0.113.7", { ipv4PrefixLength: 31 }, "203.0.113.6/31"],
    ["203.0.113.7", { ipv4PrefixLength: 1 }, "128.0.0.0/1"],
    ["203.0.113.7", { ipv6PrefixLength: 48 }, "203.0.113.7"],
    ["2001:db8:0:ffff::1", {}, "2001:db8:0:ff00::/56"],
    ["2001:db8:1:2:3:4:5:6", { ipv6PrefixLength: 64 }, "2001:db8:1:2::/64"],
    ["2001:db8:1:2:3:4:5:6", { ipv6PrefixLength: 48 }, "2001:db8:1::/48"],
    ["2001:db8:1:2:3:4:5:6", { ipv6PrefixLength: 128 }, "2001:db8:1:2:3:4:5:6"],
    ["2001:db8:1:2:3:4:5:7", { ipv6PrefixLength: 127 }, "2001:db8:1:2:3:4:5:6/127"],
    ["ffff::1", { ipv6PrefixLength: 1 }, "8000::/1"],
  ])("gives %s with %j the key %s", (text, options, prefix) => {
    expect(addressPrefix(address(text), options)).toBe(prefix);
  });

  it("gives two addresses one key if and only if node:net puts them into one subnet", () => {
    const pair = fc.oneof(
      fc.tuple(fc.nat({ max: 128 }), groups, groups).map(([shared, one, other]) => {
        const bits = (eight: readonly number[]) => eight.map((group) => group.toString(2).padStart(16, "0")).join("");
        const mixed = bits(one).slice(0, shared) + bits(other).slice(shared);
        const text = (binary: string) =>
          binary
            .match(/.{16}/g)!
            .map((word) => Number.parseInt(word, 2).toString(16))
            .join(":");
        return [text(bits(one)), text(mixed)] as const;
      }),
      fc.tuple(ipv4, ipv4, fc.nat({ max: 4 })).map(([one, other, shared]) => {
        const mixed = [...one.split(".").slice(0, shared), ...other.split(".").slice(shared)].join(".");
        return [one, mixed] as const;
      }),
    );
    fc.assert(
      fc.property(
        pair,
        fc.integer({ min: 1, max: 128 }),
        fc.integer({ min: 1, max: 32 }),
        ([one, other], six, four) => {
          const [a, b] = [address(one), address(other)];
          fc.pre(isIPv4(a) === isIPv4(b));
          const options = { ipv6PrefixLength: six, ipv4PrefixLength: four };
          const family = isIPv4(a) ? "ipv4" : "ipv6";
          const subnet = new BlockList();
          subnet.addSubnet(a, isIPv4(a) ? four : six, family);
          expect(addressPrefix(a, options) === addressPrefix(b, options)).toBe(subnet.check(b, family));
        },
      ),
      { numRuns: 3000 },
    );
  });

  it("starts with an address of the subnet, in canonical form", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.ipV6(), ipv4),
        fc.integer({ min: 1, max: 128 }),
        fc.integer({ min: 1, max: 32 }),
        (text, six, four) => {
          const key = addressPrefix(address(text), { ipv6PrefixLength: six, ipv4PrefixLength: four });
          const [network = "", length] = key.split("/");
          expect(parseAddress(network)).toBe(network);
          expect(addressPrefix(address(network), { ipv6PrefixLength: six, ipv4PrefixLength: four })).toBe(key);
          expect(length === undefined || Number(length) === (isIPv4(network) ? four : six)).toBe(true);
        },
      ),
    );
  });

  it("is not led astray by an address that came past the types", () => {
    expect(addressPrefix("::ffff:192.0.2.1" as Address)).toBe("192.0.2.1");
    expect(addressPrefix("2001:DB8::0:1%eth0" as Address)).toBe("2001:db8::/56");
    expect(() => addressPrefix("unknown" as Address)).toThrow(expect.objectContaining({ code: "INVALID_ADDRESS" }));
  });

  it.each([0, -1, 129, 56.5, Number.NaN, "56"])("refuses %j as the length of an IPv6 prefix", (length) => {
    const call = () => addressPrefix(address("192.0.2.1"), { ipv6PrefixLength: length as number });
    expect(call).toThrow(
      expect.objectContaining({ code: "INVALID_PREFIX_LENGTH", message: expect.stringContaining("1 to 128") }),
    );
  });

  it.each([0, 33, 24.5])("refuses %j as the length of an IPv4 prefix", (length) => {
    const call = () => addressPrefix(address("::1"), { ipv4PrefixLength: length });
    expect(call).toThrow(
      expect.objectContaining({ code: "INVALID_PREFIX_LENGTH", message: expect.stringContaining("1 to 32") }),
    );
  });
});
