import type { RequestView } from "@holdfast/core/http";
import { describe, expect, it } from "vitest";
import { byAddress } from "../src/http/keys.ts";
import { createRateLimiter } from "../src/index.ts";

const from = (address: string | undefined): RequestView => ({
  method: "GET",
  url: "/",
  header: () => undefined,
  address,
});

describe("keys by address", () => {
  it.each([
    [
      "192.0.2.1",
      ["::ffff:192.0.2.1", "::ffff:c000:201", "0:0:0:0:0:ffff:192.0.2.1", "64:ff9b::192.0.2.1", "64:ff9b::c000:201"],
    ],
    ["2001:db8:0:ff00::1", ["2001:DB8:0:FF00:0:0:0:1", "2001:db8:0:ffff::2", "2001:db8:0:ff00::192.0.2.1"]],
    ["fe80::1", ["fe80::1%eth0", "fe80::2%25eth1"]],
  ])("are one for %s and every spelling of it, or neighbour in its network", (address, others) => {
    const key = byAddress();
    for (const other of others) expect(key(from(other))).toBe(key(from(address)));
  });

  it("are apart for every IPv4 address, also where the socket has them mapped into IPv6", () => {
    const key = byAddress();
    const keys = new Set<string>();
    for (let host = 0; host < 256; host++) {
      for (const prefix of ["192.0.2.", "::ffff:198.51.100.", "64:ff9b::203.0.113."])
        keys.add(key(from(prefix + host)));
    }
    expect(keys.size).toBe(3 * 256);
  });

  it("of a wider network catch who rotates through the narrower ones", () => {
    const narrow = createRateLimiter({ name: "site", rules: "2/hour" });
    const wide = createRateLimiter({ name: "network", rules: "10/hour" });
    const [site, network] = [byAddress(), byAddress({ ipv6PrefixLength: 48, ipv4PrefixLength: 24 })];
    const tiers = (address: string) => [
      narrow.consumeSync(site(from(address))).allowed,
      wide.consumeSync(network(from(address))).allowed,
    ];
    for (let subnet = 0; subnet < 10; subnet++) {
      expect(tiers(`2001:db8:7:${(subnet << 8).toString(16)}::1`)).toEqual([true, true]);
    }
    expect(tiers("2001:db8:7:ff00::1")).toEqual([true, false]);
    expect(tiers("2001:db8:8:ff00::1")).toEqual([true, true]);
  });

  it("are the same again for an address that was asked for before many others", () => {
    const key = byAddress();
    const keyOf = (host: number) => key(from(`10.0.${host >> 8}.${host & 255}`));
    const first = Array.from({ length: 3000 }, (_, host) => keyOf(host));
    expect(new Set(first).size).toBe(3000);
    expect(Array.from({ length: 3000 }, (_, host) => keyOf(host))).toEqual(first);
  });

  it("behind a trusted proxy are each request's own, also on one connection", () => {
    const key = byAddress({ trustedProxies: 1 });
    const behindProxy = (client: string): RequestView => ({ ...from("10.0.0.1"), header: () => client });
    expect(key(behindProxy("192.0.2.1"))).toBe("address 192.0.2.1");
    expect(key(behindProxy("192.0.2.2"))).toBe("address 192.0.2.2");
  });

  it("trust no range that would mean everybody", () => {
    expect(() => byAddress({ trustedProxies: ["::ffff:10.0.0.0/8"] })).toThrow("10.0.0.0/8");
    expect(() => byAddress({ trustedProxies: ["0.0.0.0/0"] })).toThrow();
  });

  it("are one for all whose address nobody knows, which is no address", () => {
    const key = byAddress();
    expect(key(from(undefined))).toBe(key(from("not an address")));
    expect(key(from(undefined))).not.toBe(key(from("0.0.0.0")));
  });
});
