import { BlockList } from "node:net";
import fc from "fast-check";
import { describe, expect, expectTypeOf, it } from "vitest";
import {
  type Address,
  type ClientAddressOptions,
  createClientAddress,
  type RequestView,
  type TrustedProxies,
} from "../src/http/index.ts";

const CLIENT = "198.51.100.7";

/** A request as it reaches us: from which socket, with which headers. */
function request(address: string | undefined, headers: Readonly<Record<string, string>> = {}): RequestView {
  return { method: "GET", url: "/", address, header: (name) => headers[name] };
}

const through = (trustedProxies: TrustedProxies, address: string | undefined, forwardedFor: string) =>
  createClientAddress({ trustedProxies })(request(address, { "x-forwarded-for": forwardedFor }));

const throughForwarded = (trustedProxies: TrustedProxies, address: string, forwarded: string) =>
  createClientAddress({ trustedProxies, header: "forwarded" })(request(address, { forwarded }));

describe("createClientAddress, trusting none", () => {
  it("gives the socket's address, whatever the headers say", () => {
    for (const options of [{}, { trustedProxies: 0 }, { trustedProxies: [] }] satisfies ClientAddressOptions[]) {
      const clientAddress = createClientAddress(options);
      expect(clientAddress(request("203.0.113.9", { "x-forwarded-for": CLIENT, forwarded: `for=${CLIENT}` }))).toBe(
        "203.0.113.9",
      );
    }
  });

  it("gives it in canonical form", () => {
    const clientAddress = createClientAddress();
    expect(clientAddress(request("::ffff:203.0.113.9"))).toBe("203.0.113.9");
    expect(clientAddress(request("2001:DB8::0:1"))).toBe("2001:db8::1");
    expect(clientAddress(request("fe80::1%eth0"))).toBe("fe80::1");
  });

  it("gives undefined for a socket without an IP address", () => {
    const clientAddress = createClientAddress();
    expect(clientAddress(request(undefined))).toBeUndefined();
    expect(clientAddress(request(""))).toBeUndefined();
    expectTypeOf(clientAddress).returns.toEqualTypeOf<Address | undefined>();
  });
});

describe("createClientAddress, behind proxies named by address", () => {
  it("goes from the right to the first address that is no trusted proxy", () => {
    expect(through(["10.0.0.0/8"], "10.0.0.1", `${CLIENT}, 10.0.0.3, 10.0.0.2`)).toBe(CLIENT);
  });

  it("never takes what stands to the left of that", () => {
    expect(through(["10.0.0.0/8"], "10.0.0.1", `6.6.6.6, ${CLIENT}, 10.0.0.2`)).toBe(CLIENT);
    expect(through(["10.0.0.0/8"], "10.0.0.1", `10.0.0.9, 6.6.6.6, ${CLIENT}`)).toBe(CLIENT);
  });

  it("does not read the header of a socket that is no trusted proxy", () => {
    expect(through(["10.0.0.0/8"], "203.0.113.9", CLIENT)).toBe("203.0.113.9");
  });

  it("gives the socket's address where there is no header, or an empty one", () => {
    expect(createClientAddress({ trustedProxies: ["10.0.0.1"] })(request("10.0.0.1"))).toBe("10.0.0.1");
    for (const empty of ["", " ", ",", ", ,"]) expect(through(["10.0.0.1"], "10.0.0.1", empty)).toBe("10.0.0.1");
  });

  it("gives the farthest hop where all are trusted proxies", () => {
    expect(through(["private"], "10.0.0.1", "10.0.0.3, 10.0.0.2")).toBe("10.0.0.3");
  });

  it.each([
    "unknown",
    "_hidden",
    "1.2.3",
    "01.2.3.4",
    "1.2.3.4/32",
    "1.2.3.4 5.6.7.8",
    '"1.2.3.4"',
    "<script>",
    "x".repeat(600),
    "\u0000",
  ])("stops at the last trusted hop before the malformed entry %j", (entry) => {
    expect(through(["private"], "10.0.0.1", `${CLIENT}, ${entry}, 10.0.0.2`)).toBe("10.0.0.2");
  });

  it("does not count empty elements", () => {
    expect(through(["private"], "10.0.0.1", `${CLIENT},, ,10.0.0.2,`)).toBe(CLIENT);
  });

  it("reads entries with ports, brackets, zones and in mapped form", () => {
    expect(through(["private", "loopback"], "::1", `${CLIENT}:4711,[fd00::2]:443 ,\t::ffff:10.0.0.2, 127.0.0.1`)).toBe(
      CLIENT,
    );
    expect(through(["loopback"], "::ffff:127.0.0.1", "[2001:DB8::1]:443")).toBe("2001:db8::1");
  });

  it("looks at no header but the chosen one", () => {
    const view = request("127.0.0.1", { "x-forwarded-for": CLIENT, forwarded: "for=6.6.6.6" });
    expect(createClientAddress({ trustedProxies: ["loopback"] })(view)).toBe(CLIENT);
    expect(createClientAddress({ trustedProxies: ["loopback"], header: "forwarded" })(view)).toBe("6.6.6.6");
  });

  it("trusts the ranges that the names stand for and no others", () => {
    const isTrusted = (name: string, address: string) => through([name], address, "6.6.6.6") === "6.6.6.6";
    for (const address of ["127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1"])
      expect(isTrusted("loopback", address)).toBe(true);
    for (const address of ["126.255.255.255", "128.0.0.0", "::2", "10.0.0.1"])
      expect(isTrusted("loopback", address)).toBe(false);
    for (const address of [
      "10.0.0.0",
      "10.255.255.255",
      "172.16.0.0",
      "172.31.255.255",
      "192.168.0.0",
      "fc00::",
      "fdff::1",
    ]) {
      expect(isTrusted("private", address)).toBe(true);
    }
    for (const address of [
      "9.255.255.255",
      "11.0.0.0",
      "172.15.255.255",
      "172.32.0.0",
      "192.169.0.0",
      "fe00::",
      "127.0.0.1",
      "100.64.0.1",
    ]) {
      expect(isTrusted("private", address)).toBe(false);
    }
  });

  it("trusts an address if and only if node:net has it in the range", () => {
    const near = fc
      .tuple(fc.ipV4(), fc.ipV4(), fc.nat({ max: 4 }))
      .map(([one, other, shared]) => [
        one,
        [...one.split(".").slice(0, shared), ...other.split(".").slice(shared)].join("."),
      ]);
    fc.assert(
      fc.property(
        near,
        fc.integer({ min: 1, max: 32 }),
        fc.constantFrom("", "::ffff:"),
        ([one, other], length, notation) => {
          const range = new BlockList();
          range.addSubnet(one!, length, "ipv4");
          const bits = one!.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0);
          const network = Math.floor(bits / 2 ** (32 - length)) * 2 ** (32 - length);
          const dotted = [network / 2 ** 24, network / 2 ** 16, network / 2 ** 8, network]
            .map((part) => Math.floor(part) % 256)
            .join(".");
          const cidr = notation ? `${notation}${dotted}/${length + 96}` : `${dotted}/${length}`;
          const isTrusted = through([cidr], other, "100::1") === "100::1";
          expect(isTrusted).toBe(range.check(other!, "ipv4"));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("is not moved by anything that a client writes", () => {
    // A client at one of the trusted addresses would be a proxy, and believed.
    const isProxy = (text: string): boolean => through(["private", "loopback"], text, "100::1") === "100::1";
    const address = fc.oneof(fc.ipV4(), fc.ipV6()).filter((text) => !isProxy(text));
    const lie = fc.array(
      fc.oneof(fc.string(), fc.ipV4(), fc.constantFrom(",", '"', "\\", "for=", "10.0.0.1", "unknown", "[")),
    );
    const proxies = fc.array(fc.constantFrom("10.0.0.2", "10.1.2.3:80", "127.0.0.1", "[fd00::1]:443"), {
      maxLength: 5,
    });
    fc.assert(
      fc.property(address, lie, proxies, (client, lies, hops) => {
        const honest = through(["private", "loopback"], "10.0.0.1", [client, ...hops].join(", "));
        const forged = through(["private", "loopback"], "10.0.0.1", [lies.join(""), client, ...hops].join(", "));
        expect(forged).toBe(honest);
        expect(forged).not.toMatch(/^10\./);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("createClientAddress, behind a number of proxies", () => {
  it.each([
    [0, "203.0.113.9"],
    [1, "3.3.3.3"],
    [2, "2.2.2.2"],
    [3, "1.1.1.1"],
    [4, "1.1.1.1"],
  ])("counts %d of them from the right", (hops, client) => {
    expect(through(hops, "203.0.113.9", "1.1.1.1, 2.2.2.2, 3.3.3.3")).toBe(client);
  });

  it("stops at the last trusted hop before a malformed entry", () => {
    expect(through(3, "203.0.113.9", "1.1.1.1, unknown, 3.3.3.3")).toBe("3.3.3.3");
    expect(through(1, "203.0.113.9", "unknown")).toBe("203.0.113.9");
  });

  it("works behind a proxy on a Unix socket, which has no address", () => {
    expect(through(1, undefined, CLIENT)).toBe(CLIENT);
    expect(through(1, undefined, "")).toBeUndefined();
    expect(through(["loopback"], undefined, CLIENT)).toBeUndefined();
  });
});

describe("createClientAddress, by Forwarded", () => {
  it.each([
    [`for=${CLIENT}`, CLIENT],
    [`For=${CLIENT};proto=https;by=203.0.113.43`, CLIENT],
    [`proto=https;host="a,b;c";for="${CLIENT}:4711"`, CLIENT],
    ['for="[2001:db8:cafe::17]:4711"', "2001:db8:cafe::17"],
    [`for=6.6.6.6, for=${CLIENT}, for=10.0.0.2`, CLIENT],
    [`for=6.6.6.6, for=${CLIENT};host="x, for=6.6.6.6", for=10.0.0.2`, CLIENT],
    [`for=6.6.6.6,for=${CLIENT};host="\\", for=6.6.6.6;x=\\"",for=10.0.0.2`, CLIENT],
    [`for=${CLIENT};secret="\\\\", for=10.0.0.2`, CLIENT],
    [`for="6.6.6.6, for=${CLIENT}`, CLIENT],
    [`for=${CLIENT} ; proto=http`, CLIENT],
    [`for=${CLIENT};`, CLIENT],
  ])("reads %s", (forwarded, client) => {
    expect(throughForwarded(["private"], "10.0.0.1", forwarded)).toBe(client);
  });

  it.each([
    "for=unknown",
    "for=_hidden",
    'for="_hidden"',
    "proto=https",
    "for=",
    "for",
    "1.2.3.4",
    "for=1.2.3.4:80",
    "for=2001:db8::1",
    "for=1.2.3.4;for=5.6.7.8",
    "for=1.2.3.4;;proto=http",
    "for=1.2.3.4 proto=http",
    'for="1.2.3.4',
    'for=1.2.3.4"',
    'host="x"; =a;for=1.2.3.4',
    `for=1.2.3.4;host="${"x".repeat(600)}"`,
  ])("stops at the last trusted hop before %s", (element) => {
    expect(throughForwarded(["private"], "10.0.0.1", `${element}, for=10.0.0.2`)).toBe("10.0.0.2");
  });

  it("is not moved by anything that a client writes, not even into what a proxy quotes", () => {
    const lie = fc
      .array(
        fc.constantFrom(",", '"', "\\", "for=", "for=6.6.6.6", "for=10.0.0.9", ";", "host=", " ", "x", "\\\\", '",'),
        { maxLength: 12 },
      )
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(lie, lie, (left, host) => {
        const quoted = host.replace(/[\\"]/g, "\\$&");
        const forwarded = `${left}, for=${CLIENT};host="${quoted}";proto=https, for=10.0.0.2`;
        expect(throughForwarded(["private"], "10.0.0.1", forwarded)).toBe(CLIENT);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("createClientAddress, with a header out of all measure", () => {
  it("looks at 32 entries and no more", () => {
    const hops = Array.from({ length: 100_000 }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
    expect(through(["private"], "10.0.0.1", hops.join(", "))).toBe(hops.at(-32));
    expect(through(["private"], "10.0.0.1", `${CLIENT}${",".repeat(31)}`)).toBe(CLIENT);
    expect(through(["private"], "10.0.0.1", `${CLIENT}${",".repeat(32)}`)).toBe("10.0.0.1");
  });

  it.each([
    ["commas", ","],
    ["quotes", '"'],
    ["backslashes", "\\"],
    ["escaped quotes", '\\"'],
    ["letters", "a"],
    ["entries", "10.0.0.2,"],
    ["unclosed quotes", 'for="x,'],
    ["backslashes before a quote", "\\", '"'],
  ])("takes no longer for a million %s than for a thousand", (_, unit, end = "") => {
    for (const header of ["x-forwarded-for", "forwarded"] as const) {
      const clientAddress = createClientAddress({ trustedProxies: ["private"], header });
      let read = 0;
      // Counts the characters that are looked at, where a stopwatch would guess.
      const counted = (value: string) =>
        Object.assign(Object.create(String.prototype, { length: { value: value.length } }), {
          charCodeAt(at: number) {
            read++;
            return value.charCodeAt(at);
          },
          slice(start: number, end: number) {
            read += end - start;
            return value.slice(start, end);
          },
        }) as string;
      const cost = (count: number) => {
        read = 0;
        const value = counted(unit.repeat(count) + end);
        clientAddress({ method: "GET", url: "/", address: "10.0.0.1", header: () => value });
        return read;
      };
      expect(cost(1_000_000)).toBeLessThanOrEqual(Math.max(cost(1_000), 1));
      expect(cost(1_000_000)).toBeLessThan(32 * 512 * 4);
    }
  });
});

describe("createClientAddress, given proxies that it can't mean", () => {
  const refusal = (trustedProxies: unknown) => {
    try {
      createClientAddress({ trustedProxies: trustedProxies as TrustedProxies });
    } catch (error) {
      return error as { code: string; message: string };
    }
    return undefined;
  };

  it.each([
    "::ffff:10.0.0.0/8",
    "::FFFF:10.0.0.0/8",
    "::ffff:a00:0/8",
    "0:0:0:0:0:ffff:10.0.0.0/8",
    "0000:0000:0000:0000:0000:ffff:0a00:0000/24",
    "::ffff:10.0.0.0/95",
    "::ffff:0:0/96",
    "::ffff:0.0.0.0/96",
    "64:ff9b::10.0.0.0/8",
    "64:ff9b::/32",
    "64:ff9b::/96",
  ])("refuses %s, which would trust all of IPv4 (CVE-2026-90711), and says what to write", (range) => {
    expect(refusal(["127.0.0.1", range])).toMatchObject({
      code: "INVALID_TRUSTED_PROXY",
      message: expect.stringMatching(
        /would trust all of IPv4: .* prefix of n bits is 96 \+ n, or write \d+\.\d+\.\d+\.\d+\/n/,
      ),
    });
  });

  it.each(["0.0.0.0/0", "::/0", "1.2.3.4/0"])("refuses %s, which trusts everybody", (range) => {
    expect(refusal([range])).toMatchObject({
      code: "INVALID_TRUSTED_PROXY",
      message: expect.stringContaining("hop count"),
    });
  });

  it.each([
    ["10.1.2.3/8", "10.0.0.0/8"],
    ["2001:db8::1/32", "2001:db8::/32"],
    ["::ffff:10.1.2.3/104", "10.0.0.0/8"],
  ])("refuses %s and offers %s", (range, remedy) => {
    expect(refusal([range])).toMatchObject({
      code: "INVALID_TRUSTED_PROXY",
      message: expect.stringContaining(`write ${remedy}`),
    });
  });

  it.each([
    "",
    "localhost",
    "linklocal",
    "constructor",
    "10.0.0.0/33",
    "::1/129",
    "10.0.0.0/08",
    "10.0.0.0/-1",
    "10.0.0.0/8.0",
    "10.0.0.0/255.0.0.0",
    "10.0.0.0/",
    "10.0.0.0/8/8",
    "10.0.0/8",
    "010.0.0.0/8",
    "10.0.0.1:80",
    "[::1]",
    " 10.0.0.1",
    "10.0.0.1,10.0.0.2",
    "*",
    null,
    5,
  ])("refuses %j in the list", (proxy) => {
    expect(refusal([proxy])).toMatchObject({ code: "INVALID_TRUSTED_PROXY" });
  });

  it.each([-1, 1.5, 33, Number.NaN, Number.POSITIVE_INFINITY, true, "loopback", null, {}])(
    "refuses %j as the whole",
    (proxies) => {
      expect(refusal(proxies)).toMatchObject({ code: "INVALID_TRUSTED_PROXY" });
    },
  );

  it("takes ::ffff:10.0.0.0/104 as 10.0.0.0/8", () => {
    expect(through(["::ffff:10.0.0.0/104"], "10.255.0.1", CLIENT)).toBe(CLIENT);
    expect(through(["::ffff:10.0.0.0/104"], "11.0.0.1", CLIENT)).toBe("11.0.0.1");
    expect(through(["::ffff:10.0.0.1"], "10.0.0.1", CLIENT)).toBe(CLIENT);
    expect(through(["::ffff:10.0.0.1"], "10.0.0.2", CLIENT)).toBe("10.0.0.2");
  });

  it("trusts no IPv4 address for a range of IPv6, however wide", () => {
    expect(through(["::/1"], "10.0.0.1", CLIENT)).toBe("10.0.0.1");
    expect(through(["::/1"], "::ffff:10.0.0.1", CLIENT)).toBe("10.0.0.1");
    expect(through(["::/1"], "2001:db8::1", CLIENT)).toBe(CLIENT);
  });
});
