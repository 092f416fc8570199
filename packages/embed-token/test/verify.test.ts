import { describe, expect, it } from "vitest";
import { claimsWith, forge, HEADER } from "./forge.ts";
import { badlySigned, keyOf, NOW, ORIGIN, setUp } from "./support.ts";

const seconds = NOW / 1000;

describe("time:", () => {
  it("a token is good until its end and the tolerance are over", async () => {
    const { issue, outcome, clock } = setUp({ tolerance: "5s" });
    const token = await issue();
    clock.advance(64_999);
    expect(await outcome(token)).toBe("accepted");
    clock.advance(1);
    expect(await outcome(token)).toBe("expired");
  });

  it("a token from a clock that is ahead is good within the tolerance", async () => {
    const { outcome } = setUp({ tolerance: "5s" });
    const issuedIn = (ahead: number): Promise<string> =>
      outcome(
        forge({ payload: claimsWith({ iat: seconds + ahead, nbf: seconds + ahead, exp: seconds + ahead + 60 }) }),
      );
    expect(await issuedIn(5)).toBe("accepted");
    expect(await issuedIn(6)).toBe("not-yet-valid");
  });

  it("without a tolerance the clocks must agree", async () => {
    const { issue, outcome, clock } = setUp({ tolerance: 0 });
    const token = await issue();
    clock.advance(59_999);
    expect(await outcome(token)).toBe("accepted");
    clock.advance(1);
    expect(await outcome(token)).toBe("expired");
    clock.setWallClock(NOW - 1);
    expect(await outcome(token)).toBe("not-yet-valid");
  });

  it("a token is not good before it says so", async () => {
    const { outcome } = setUp();
    expect(await outcome(forge({ payload: claimsWith({ nbf: seconds + 5 }) }))).toBe("accepted");
    expect(await outcome(forge({ payload: claimsWith({ nbf: seconds + 6 }) }))).toBe("not-yet-valid");
  });

  it("a longer life than the verifier allows is refused, whoever signed it", async () => {
    const { issue } = setUp({ maxLifetime: "10m" });
    const { outcome } = setUp({ maxLifetime: "2m" });
    expect(await outcome(await issue({ lifetime: "2m" }))).toBe("accepted");
    expect(await outcome(await issue({ lifetime: "121s" }))).toBe("too-long-lived");
  });
});

describe("a good token is refused for", () => {
  it("another issuer's or audience's", async () => {
    const { issue } = setUp();
    expect(await setUp({ issuer: "https://app.example.com/" }).outcome(await issue())).toBe("wrong-issuer");
    expect(await setUp({ audience: "dashboard" }).outcome(await issue())).toBe("wrong-audience");
  });

  it("another page, a missing one and the null one", async () => {
    const { issue, outcome } = setUp();
    const token = await issue();
    for (const origin of ["https://evil.example", "null", "", null, undefined]) {
      expect(await outcome(token, { origin }), String(origin)).toBe("wrong-origin");
    }
    expect(await outcome(token, { origin: false })).toBe("accepted");
  });

  it("another dashboard", async () => {
    const { issue, outcome } = setUp();
    const token = await issue({ dashboard: "sales" });
    expect(await outcome(token, { dashboard: "sales" })).toBe("accepted");
    for (const dashboard of ["Sales", "sales ", "", "hr"]) {
      expect(await outcome(token, { dashboard })).toBe("wrong-dashboard");
    }
  });

  it("another tenant, and any where it names none", async () => {
    const { issue, outcome } = setUp();
    expect(await outcome(await issue({ tenant: "acme" }), { tenant: "acme" })).toBe("accepted");
    expect(await outcome(await issue({ tenant: "acme" }), { tenant: "umbrella" })).toBe("wrong-tenant");
    expect(await outcome(await issue(), { tenant: "acme" })).toBe("wrong-tenant");
  });

  it("a scope that it has not, and there are no wildcards", async () => {
    const { issue, outcome } = setUp();
    const token = await issue({ scopes: ["view", "*"] });
    expect(await outcome(token, { scope: "view" })).toBe("accepted");
    expect(await outcome(token, { scope: "export" })).toBe("missing-scope");
    expect(await outcome(await issue(), { scope: "view" })).toBe("missing-scope");
  });
});

describe("whoever shows a token that is refused", () => {
  it("is told the same, whatever is wrong with it", async () => {
    const { tokens, issue, clock } = setUp();
    const good = await issue();
    const answers = await Promise.all([
      tokens.verify(undefined, { origin: ORIGIN }),
      tokens.verify("", { origin: ORIGIN }),
      tokens.verify("nonsense", { origin: ORIGIN }),
      tokens.verify(good, { origin: "https://evil.example" }),
      tokens.verify(badlySigned(good), { origin: ORIGIN }),
      tokens.verify(forge({ header: { ...HEADER, kid: "k2" } }), { origin: ORIGIN }),
      tokens.verify(forge({ key: keyOf("another") }), { origin: ORIGIN }),
      tokens.verify(forge({ payload: {} }), { origin: ORIGIN }),
    ]);
    clock.advance(3_600_000);
    answers.push(await tokens.verify(good, { origin: ORIGIN }));
    for (const answer of answers) expect(answer).toMatchObject({ ok: false, answer: "invalid_token" });
  });

  it("is no exception", async () => {
    const { outcome } = setUp();
    for (const token of [7, {}, [], true, null] as unknown as string[]) {
      expect(await outcome(token)).toMatch(/malformed|missing/);
    }
  });
});

describe("keys", () => {
  const ring = (...names: string[]) => ({ keys: names.map((name) => ({ id: name, key: keyOf(name) })) });

  it("overlap while they are rotated", async () => {
    const [before, between, during, after] = [
      setUp(ring("old")),
      setUp(ring("old", "new")),
      setUp(ring("new", "old")),
      setUp(ring("new")),
    ];
    const [ofOld, ofNew] = [await before.issue(), await during.issue()];
    expect(await between.outcome(ofOld)).toBe("accepted");
    expect(await between.outcome(ofNew)).toBe("accepted");
    expect(await during.outcome(ofOld)).toBe("accepted");
    expect(await after.outcome(ofNew)).toBe("accepted");
    expect(await after.outcome(ofOld)).toBe("unknown-key");
  });

  it("are found by their id and by nothing else", async () => {
    const { outcome } = setUp(ring("a", "b"));
    expect(await outcome(forge({ header: { ...HEADER, kid: "a" }, key: keyOf("a") }))).toBe("accepted");
    expect(await outcome(forge({ header: { ...HEADER, kid: "a" }, key: keyOf("b") }))).toBe("wrong-signature");
    expect(await outcome(forge({ header: { ...HEADER, kid: "A" }, key: keyOf("a") }))).toBe("unknown-key");
  });
});

describe("where each tenant has its own key", () => {
  const options = { keyPerTenant: true };

  it("its tokens are accepted", async () => {
    const { issue, outcome } = setUp(options);
    for (const tenant of ["acme", "umbrella", "acme"]) {
      expect(await outcome(await issue({ tenant }), { tenant })).toBe("accepted");
    }
  });

  it("a token needs a tenant", async () => {
    await expect(setUp(options).issue()).rejects.toMatchObject({ code: "INVALID_GRANT" });
    expect(await setUp(options).outcome(forge())).toBe("wrong-header");
  });

  it("one tenant's key signs for no other, and the master key for none", async () => {
    const { issue, outcome } = setUp(options);
    const [header, payload, signature] = (await issue({ tenant: "acme" })).split(".");
    const other = (await issue({ tenant: "umbrella" })).split(".");
    expect(await outcome(`${other[0]}.${payload}.${signature}`)).toBe("wrong-signature");
    expect(await outcome(`${header}.${other[1]}.${signature}`)).toBe("wrong-signature");
    const forged = { header: { ...HEADER, tenant: "acme" }, payload: claimsWith({ tenant: "acme" }) };
    expect(await outcome(forge(forged))).toBe("wrong-signature");
  });

  it("the tenant of the header is that of the claims", async () => {
    const { hkdfSync } = await import("node:crypto");
    const { outcome } = setUp(options);
    const key = new Uint8Array(hkdfSync("sha256", keyOf("k1"), "", "holdfast embed-token 1\0k1\0acme", 32));
    const header = { ...HEADER, tenant: "acme" };
    expect(await outcome(forge({ header, key, payload: claimsWith({ tenant: "acme" }) }))).toBe("accepted");
    expect(await outcome(forge({ header, key, payload: claimsWith({ tenant: "umbrella" }) }))).toBe("malformed-claims");
    expect(await outcome(forge({ header, key }))).toBe("malformed-claims");
  });

  it("a tenant in the header of others' tokens is refused", async () => {
    const { outcome } = setUp();
    const header = { ...HEADER, tenant: "acme" };
    expect(await outcome(forge({ header, payload: claimsWith({ tenant: "acme" }) }))).toBe("wrong-header");
  });

  it("goes on with any number of tenants", async () => {
    const { issue, outcome } = setUp(options);
    const first = await issue({ tenant: "t0" });
    for (let index = 1; index < 2500; index++) {
      const tenant = `t${index}`;
      expect(await outcome(await issue({ tenant }), { tenant })).toBe("accepted");
    }
    expect(await outcome(first, { tenant: "t0" })).toBe("accepted");
  });
});
