import { decodeJwt, decodeProtectedHeader, jwtVerify } from "jose";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { NewGrant } from "../src/index.ts";
import { keyOf, NOW, ORIGIN, setUp } from "./support.ts";

describe("an issued token", () => {
  it("is accepted with what it grants", async () => {
    const { tokens } = setUp();
    const grant = {
      subject: "user-7",
      dashboard: "sales",
      origins: [ORIGIN, "https://*.example.net"],
      tenant: "acme",
      scopes: ["view", "export"],
      filters: { region: ["eu", "us"], vip: true, discount: 0.15, note: null, name: "Größe 😀" },
    };
    const issued = await tokens.issue(grant);
    expect(issued).toMatchObject({ issuedAt: NOW, expiresAt: NOW + 60_000, expiresInMs: 60_000 });
    expect(await tokens.verify(issued.token.reveal(), { origin: ORIGIN })).toEqual({
      ok: true,
      grant: {
        ...grant,
        id: issued.id,
        keyId: "k1",
        issuedAt: NOW,
        notBefore: NOW,
        expiresAt: NOW + 60_000,
      },
    });
  });

  it("grants no scopes, filters and tenant unless it is told to", async () => {
    const { tokens, issue } = setUp();
    const verified = await tokens.verify(await issue(), { origin: ORIGIN });
    expect(verified).toMatchObject({ ok: true, grant: { scopes: [], filters: {}, tenant: undefined } });
  });

  it("is a JWT that any library reads", async () => {
    const token = await setUp().issue({ tenant: "acme" });
    expect(decodeProtectedHeader(token)).toEqual({ alg: "HS256", typ: "embed+jwt", kid: "k1" });
    expect(decodeJwt(token)).toEqual({
      iss: "https://app.example.com",
      aud: "dashboards",
      sub: "user-7",
      jti: expect.stringMatching(/^[\w-]{22}$/),
      iat: NOW / 1000,
      nbf: NOW / 1000,
      exp: NOW / 1000 + 60,
      dashboard: "sales",
      origins: [ORIGIN],
      tenant: "acme",
      scopes: [],
      filters: {},
    });
    await jwtVerify(token, keyOf("k1"), { currentDate: new Date(NOW) });
  });

  it("counts in whole seconds from the one that has begun", async () => {
    const { tokens, clock, issue } = setUp();
    clock.advance(999);
    const { issuedAt, expiresAt, expiresInMs } = await tokens.issue({
      subject: "user-7",
      dashboard: "sales",
      origins: [ORIGIN],
    });
    expect([issuedAt, expiresAt, expiresInMs]).toEqual([NOW, NOW + 60_000, 59_001]);
    expect(decodeJwt(await issue()).iat).toBe(NOW / 1000);
  });

  it("is never the same twice", async () => {
    const { tokens } = setUp();
    const grant = { subject: "user-7", dashboard: "sales", origins: [ORIGIN] };
    const issued = await Promise.all(Array.from({ length: 500 }, () => tokens.issue(grant)));
    expect(new Set(issued.map(({ id }) => id)).size).toBe(500);
    expect(new Set(issued.map(({ token }) => token.reveal())).size).toBe(500);
  });

  it("has an id by chance, whatever else is passed on with the grant", async () => {
    const { tokens } = setUp();
    const grants = Array(3).fill({ subject: "user-7", dashboard: "sales", origins: [ORIGIN] }) as NewGrant[];
    for (const { id } of await Promise.all(grants.map(tokens.issue))) expect(id).toMatch(/^[\w-]{22}$/);
  });

  it("is not printed by accident", async () => {
    const { tokens } = setUp();
    const issued = await tokens.issue({ subject: "user-7", dashboard: "sales", origins: [ORIGIN] });
    expect(JSON.stringify(issued)).toContain('"token":"[redacted]"');
    expect(String(issued.token)).toBe("[redacted]");
  });

  it("lives as long as it is told to, up to the most that there is", async () => {
    const { tokens, outcome, issue, clock } = setUp({ lifetime: "30s", maxLifetime: "2m" });
    const [usual, longest] = [await issue(), await issue({ lifetime: "2m" })];
    clock.advance(34_999);
    expect(await outcome(usual)).toBe("accepted");
    clock.advance(1);
    expect(await outcome(usual)).toBe("expired");
    expect(await outcome(longest)).toBe("accepted");
    for (const lifetime of ["121s", "1h", 0, 500, 1500]) {
      await expect(issue({ lifetime }), String(lifetime)).rejects.toMatchObject({ code: "INVALID_GRANT" });
    }
    expect(tokens.maxLifetimeMs).toBe(120_000);
  });
});

describe("what no token is issued for:", () => {
  const refused: Readonly<Record<string, Partial<NewGrant<never>>>> = {
    "an empty subject": { subject: "" },
    "a subject that is no text": { subject: 7 as never },
    "a subject with a control character": { subject: "user\n7" },
    "half a character": { subject: "user-\ud800" },
    "a very long subject": { subject: "x".repeat(257) },
    "an empty dashboard": { dashboard: "" },
    "no origin": { origins: [] },
    "an origin that is no list": { origins: ORIGIN as never },
    "too many origins": { origins: Array.from({ length: 33 }, (_, index) => `https://h${index}.example.org`) },
    "the null origin": { origins: ["null"] },
    "an origin with a path": { origins: [`${ORIGIN}/`] },
    "a tenant with a space": { tenant: "a b" },
    "an empty tenant": { tenant: "" },
    "a scope with a space": { scopes: ["view all"] },
    "an empty scope": { scopes: [""] },
    "too many scopes": { scopes: Array(65).fill("a") },
    "filters that are a list": { filters: [] as never },
    "a number that JSON can't carry": { filters: { a: Number.POSITIVE_INFINITY } as never },
    "a number that is not exact": { filters: { a: 2 ** 53 } as never },
    "a Date": { filters: { a: new Date(0) } as never },
    undefined: { filters: { a: undefined } as never },
    "a list with a hole": { filters: { a: Array(2) } as never },
    "an object inside, without a schema": { filters: { a: { b: 1 } } as never },
  };
  for (const [name, grant] of Object.entries(refused)) {
    it(name, async () => {
      await expect(setUp().issue(grant as Partial<NewGrant>)).rejects.toMatchObject({
        name: "EmbedTokenError",
        code: "INVALID_GRANT",
      });
    });
  }

  it("more than a verifier reads", async () => {
    const { issue, outcome } = setUp();
    const texts = (count: number): string[] => Array.from({ length: count }, () => "x".repeat(100));
    expect(await outcome(await issue({ filters: { a: texts(50) } }))).toBe("accepted");
    await expect(issue({ filters: { a: texts(60) } })).rejects.toThrow(/would have \d+ characters, and 8192/);
  });

  it("an origin that is written otherwise, and it says how to write it", async () => {
    const { issue } = setUp();
    const message = (origin: string) =>
      issue({ origins: [ORIGIN, origin] }).then(
        () => "issued",
        (error: Error) => error.message,
      );
    expect(await message("https://Portal.example.org:443/home")).toContain("did you mean https://portal.example.org?");
    expect(await message("https://bücher.example")).toContain("did you mean https://xn--bcher-kva.example?");
    expect(await message("null")).not.toContain("did you mean");
  });
});

describe("with a schema", () => {
  const schema = z.object({
    region: z.array(z.enum(["eu", "us"])).min(1),
    since: z.iso.date().transform((day) => new Date(day)),
  });

  it("filters are what it makes of them", async () => {
    const { tokens, issue } = setUp({ schema });
    const token = await issue({ filters: { region: ["eu"], since: "2026-11-21" } });
    const verified = await tokens.verify(token, { origin: ORIGIN });
    const since: Date | undefined = verified.ok ? verified.grant.filters.since : undefined;
    expect(since).toEqual(new Date("2026-11-21"));
  });

  it("no token is issued that it refuses, and the message says where", async () => {
    const { issue } = setUp({ schema });
    await expect(issue({ filters: { region: [], since: "2026-11-21" } })).rejects.toThrow(
      /refused by the schema: region/,
    );
    await expect(issue()).rejects.toMatchObject({ code: "INVALID_GRANT" });
  });

  it("no token is accepted that it refuses", async () => {
    const { issue } = setUp();
    const { outcome } = setUp({ schema });
    expect(await outcome(await issue({ filters: { region: "eu" } }))).toBe("wrong-filters");
  });

  it("may take its time", async () => {
    const slow = schema.refine(async ({ region }) => region.includes("eu"));
    const { issue, outcome } = setUp({ schema: slow });
    expect(await outcome(await issue({ filters: { region: ["eu"], since: "2026-11-21" } }))).toBe("accepted");
    await expect(issue({ filters: { region: ["us"], since: "2026-11-21" } })).rejects.toMatchObject({
      code: "INVALID_GRANT",
    });
  });

  it("may answer by a promise of another make", async () => {
    const then = (resolve: (result: { readonly issues: readonly never[] }) => void): void => resolve({ issues: [] });
    const thenable = { "~standard": { version: 1, vendor: "test", validate: () => ({ then }) as never } } as const;
    const { outcome } = setUp({ schema: thenable });
    expect(await outcome(await setUp().issue())).toBe("wrong-filters");
  });
});
