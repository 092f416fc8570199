import { createManualClock } from "@holdfast/core";
import { describe, expect, it } from "vitest";
import { memoryTokenStore, type RevocationTarget } from "../src/index.ts";
import { failingRevocations } from "./failing-stores.ts";
import { claimsWith, forge, HEADER } from "./forge.ts";
import { keyOf, NOW, ORIGIN, setUp } from "./support.ts";

function revocable() {
  const clock = createManualClock(NOW);
  return setUp({
    clock,
    revocations: memoryTokenStore({ clock }),
    keys: ["k1", "k2"].map((id) => ({ id, key: keyOf(id) })),
  });
}

describe("revoked is", () => {
  it("a token by its id, and no other", async () => {
    const { tokens, issue, outcome, told } = revocable();
    const [one, other] = [await issue(), await issue()];
    const verified = await tokens.verify(one, { origin: ORIGIN });
    await tokens.revoke({ token: verified.ok ? verified.grant.id : "" });
    expect(await outcome(one)).toBe("revoked");
    expect(await outcome(other)).toBe("accepted");
    expect(told.filter(([name]) => name === "revoked")).toHaveLength(1);
  });

  it.each([
    ["subject", { subject: "user-7" }],
    ["dashboard", { dashboard: "sales" }],
  ] as const)("what a %s was issued so far", async (_kind, target) => {
    const { tokens, issue, outcome, clock } = revocable();
    const before = await issue();
    clock.advance(500);
    await tokens.revoke(target);
    expect(await outcome(before)).toBe("revoked");
    expect(await outcome(await issue({ subject: "user-8", dashboard: "hr" }))).toBe("accepted");
    // Another machine's clock may be ahead by the tolerance.
    const seconds = NOW / 1000;
    const ahead = forge({ payload: claimsWith({ iat: seconds + 5, nbf: seconds + 5, exp: seconds + 65 }) });
    expect(await outcome(ahead)).toBe("revoked");
    clock.advance(5000);
    expect(await outcome(await issue())).toBe("revoked");
    clock.advance(500);
    expect(await outcome(await issue())).toBe("accepted");
    expect(await outcome(before)).toBe("revoked");
  });

  it("a key for good, whatever date its thief writes", async () => {
    const { tokens, issue, outcome, clock } = revocable();
    const ofSecond = forge({ header: { ...HEADER, kid: "k2" }, key: keyOf("k2") });
    expect(await outcome(ofSecond)).toBe("accepted");
    await tokens.revoke({ key: "k1" });
    expect(await outcome(await issue())).toBe("revoked");
    expect(await outcome(ofSecond)).toBe("accepted");
    clock.advance(10 * 365 * 86_400_000);
    expect(await outcome(await issue())).toBe("revoked");
  });

  it("nothing that is only called alike", async () => {
    const { tokens, issue, outcome } = revocable();
    for (const target of [
      { token: "user-7" },
      { subject: "sales" },
      { subject: "user-77" },
      { subject: "User-7" },
      { dashboard: "user-7" },
      { dashboard: "sale" },
      { key: "k2" },
      { key: "subject:user-7" },
    ] as RevocationTarget[]) {
      await tokens.revoke(target);
    }
    expect(await outcome(await issue())).toBe("accepted");
  });

  it("nothing by what is no target", async () => {
    const { tokens } = revocable();
    for (const target of [
      {},
      { tenant: "acme" },
      { token: "" },
      { token: 7 },
      { subject: "a", token: "b" },
      { kid: "k1" },
    ]) {
      await expect(tokens.revoke(target as never), JSON.stringify(target)).rejects.toMatchObject({
        code: "INVALID_OPTION",
      });
    }
  });

  it("nothing where there is no store for it", async () => {
    await expect(setUp().tokens.revoke({ key: "k1" })).rejects.toMatchObject({ code: "INVALID_OPTION" });
  });
});

describe("a revocation", () => {
  it("is remembered until the last token that it is of has ended, whoever issued it with which options", async () => {
    const clock = createManualClock(NOW);
    const revocations = memoryTokenStore({ clock });
    const { tokens } = setUp({ clock, revocations, maxLifetime: "1m" });
    const lasting = setUp({ clock, revocations, maxLifetime: "1h", tolerance: "1m" });
    const longest = await lasting.issue({ lifetime: "1h" });
    await tokens.revoke({ subject: "user-7" });
    for (let minute = 0; minute < 61; minute++) {
      expect(await lasting.outcome(longest)).toBe("revoked");
      clock.advance(60_000);
      await tokens.revoke({ subject: `somebody ${minute}` });
    }
    expect(await lasting.outcome(longest)).toBe("expired");
    clock.advance(3 * 60_000);
    await tokens.revoke({ subject: "somebody" });
    expect(await revocations.revocations(["subject:user-7"])).toEqual([undefined]);
  });

  it("beats a mark: a token that is revoked and used is revoked", async () => {
    const clock = createManualClock(NOW);
    const store = memoryTokenStore({ clock });
    const { tokens, issue, outcome } = setUp({ clock, once: store, revocations: store });
    const token = await issue();
    expect(await outcome(token)).toBe("accepted");
    await tokens.revoke({ dashboard: "sales" });
    expect(await outcome(token)).toBe("revoked");
  });

  it("that may not be kept is told, and may be tried again", async () => {
    const { tokens, told } = setUp({ revocations: failingRevocations });
    await expect(tokens.revoke({ key: "k1" })).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      cause: { message: "connection refused" },
    });
    expect(told).toEqual([]);
  });

  it("that takes too long ends with the deadline, or with the caller's reason", async () => {
    const hanging = { ...failingRevocations, revoke: () => new Promise<void>(() => {}) };
    const { tokens, clock } = setUp({ revocations: hanging });
    const [asked, abort] = [tokens.revoke({ key: "k1" }), new AbortController()];
    const aborted = tokens.revoke({ key: "k1" }, { signal: abort.signal });
    abort.abort(new Error("given up"));
    await expect(aborted).rejects.toThrow("given up");
    const refused = expect(asked).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await clock.advanceAsync(2000);
    await refused;
    expect(clock.pendingTimers).toBe(0);
  });

  it("that can't be looked up refuses", async () => {
    const { issue, outcome } = setUp({ revocations: failingRevocations });
    expect(await outcome(await issue())).toBe("unavailable");
  });
});
