import { createManualClock } from "@holdfast/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { memoryTokenStore } from "../src/index.ts";
import { setUpEmbedding } from "./embedding-support.ts";
import { NOW, ORIGIN } from "./support.ts";

describe("an embedding", () => {
  it("exchanges a token for a session that grants the same, at the one origin that showed it", async () => {
    const { embedding, issue } = setUpEmbedding();
    const { token } = await issue({
      origins: ["https://*.example.org"],
      tenant: "acme",
      scopes: ["view"],
      filters: { region: "eu" },
    });
    const opened = await embedding.exchange(token, { origin: ORIGIN });
    expect(opened).toMatchObject({
      ok: true,
      dashboard: "sales",
      subject: "user-7",
      scopes: ["view"],
      expiresInMs: 300_000,
    });
    const session = opened.ok ? opened.session.reveal() : "";
    expect(await embedding.session(session, { origin: ORIGIN })).toEqual({
      ok: true,
      grant: {
        id: opened.ok && opened.id,
        keyId: "k1",
        subject: "user-7",
        dashboard: "sales",
        origins: [ORIGIN],
        tenant: "acme",
        scopes: ["view"],
        filters: { region: "eu" },
        issuedAt: NOW,
        notBefore: NOW,
        expiresAt: NOW + 300_000,
      },
    });
    expect(await embedding.session(session, { origin: "https://other.example.org" })).toMatchObject({
      reason: "wrong-origin",
    });
  });

  it.each([
    ["another host of the site", "https://www.portal.example.org"],
    ["another port of the host", `${ORIGIN}:8443`],
    ["the host without encryption", "http://portal.example.org"],
    ["an opaque origin", "null"],
    ["no origin", undefined],
  ])("takes a session for nothing at %s", async (_, origin) => {
    const { embedding, open } = setUpEmbedding();
    const session = await open();
    expect(await embedding.session(session, { origin })).toMatchObject({ ok: false, reason: "wrong-origin" });
  });

  it("takes no token, pass or session for another", async () => {
    const { embedding, issue, open } = setUpEmbedding();
    const { token, pass } = await issue();
    const session = await open();
    for (const text of [pass, session]) {
      expect(await embedding.exchange(text, { origin: ORIGIN })).toMatchObject({ reason: "wrong-audience" });
    }
    for (const text of [token, pass]) {
      expect(await embedding.session(text, { origin: ORIGIN })).toMatchObject({ reason: "wrong-audience" });
    }
    for (const text of [token, session])
      expect(await embedding.admit(text, {})).toMatchObject({ reason: "wrong-audience" });
  });

  it("says by a pass who may frame the page, and nothing of the viewer", async () => {
    const { embedding, issue } = setUpEmbedding();
    const { pass } = await issue({ scopes: ["view"], filters: { region: "eu" } });
    const admitted = await embedding.admit(pass, { dashboard: "sales" });
    expect(admitted).toMatchObject({
      ok: true,
      grant: { origins: [ORIGIN], subject: "frame", scopes: [], filters: {} },
    });
    expect(await embedding.admit(pass, { dashboard: "costs" })).toMatchObject({ reason: "wrong-dashboard" });
  });

  it("opens no session where any page around the frame is not one of the token's", async () => {
    const { embedding, issue } = setUpEmbedding();
    const { token } = await issue({ origins: [ORIGIN, "https://intranet.example.org"] });
    const exchange = (ancestors: readonly string[]) => embedding.exchange(token, { origin: ORIGIN, ancestors });
    expect(await exchange([ORIGIN, "https://evil.example"])).toMatchObject({ reason: "wrong-origin" });
    expect(await exchange([ORIGIN, "https://intranet.example.org"])).toMatchObject({ ok: true });
  });

  it("reads filters by the schema each time, from what was signed at first", async () => {
    const { embedding, open } = setUpEmbedding({
      schema: z.object({ since: z.string().transform((text) => new Date(text)) }),
    });
    const session = await open({ filters: { since: "2026-01-01" } });
    const verified = await embedding.session(session, { origin: ORIGIN });
    expect(verified.ok && verified.grant.filters.since).toEqual(new Date("2026-01-01"));
  });

  it("refuses filters that are not plain where no schema says what they are", async () => {
    const { issue } = setUpEmbedding();
    await expect(issue({ filters: { deep: { er: 1 } } as never })).rejects.toMatchObject({ code: "INVALID_GRANT" });
  });

  it("lets a session last as long as it is told, and five minutes unless told", async () => {
    for (const [options, expiresInMs] of [
      [{}, 300_000],
      [{ maxLifetime: "2m" }, 120_000],
      [{ sessionLifetime: "30m" }, 1_800_000],
    ] as const) {
      const { embedding, clock, issue } = setUpEmbedding(options);
      const opened = await embedding.exchange((await issue()).token, { origin: ORIGIN });
      expect(opened).toMatchObject({ expiresInMs });
      clock.advance(expiresInMs + 5000);
      const session = opened.ok ? opened.session.reveal() : "";
      expect(await embedding.session(session, { origin: ORIGIN })).toMatchObject({ reason: "expired" });
    }
  });

  it("opens one session by a one-time token, of any number of tries at once", async () => {
    const { embedding, issue } = setUpEmbedding({ once: memoryTokenStore() });
    const { token, pass } = await issue();
    const tries = await Promise.all(Array.from({ length: 20 }, () => embedding.exchange(token, { origin: ORIGIN })));
    expect(tries.filter(({ ok }) => ok)).toHaveLength(1);
    // The page may be loaded again, and a session is for many requests.
    const [won] = tries.filter((one) => one.ok);
    for (let turn = 0; turn < 2; turn++) {
      expect(await embedding.admit(pass, {})).toMatchObject({ ok: true });
      expect(await embedding.session(won?.session.reveal(), { origin: ORIGIN })).toMatchObject({ ok: true });
    }
  });

  it.each([{ subject: "user-7" }, { dashboard: "sales" }, { key: "k1" }])(
    "ends sessions with their tokens: %o",
    async (target) => {
      const { embedding, open } = setUpEmbedding({ revocations: memoryTokenStore() });
      const session = await open();
      await embedding.revoke(target);
      expect(await embedding.session(session, { origin: ORIGIN })).toMatchObject({ reason: "revoked" });
    },
  );

  it("ends a token by its id, with its pass and all sessions that came of it, and nothing else", async () => {
    const { embedding, issue, open } = setUpEmbedding({ revocations: memoryTokenStore() });
    const { token, id, pass } = await issue();
    const exchange = () => embedding.exchange(token, { origin: ORIGIN });
    const opened = [await exchange(), await exchange()].map((one) => (one.ok ? one.session.reveal() : ""));
    const others = await issue();
    const renewed = await open();
    await embedding.revoke({ token: id });
    for (const session of opened) {
      expect(await embedding.session(session, { origin: ORIGIN })).toMatchObject({ reason: "revoked" });
    }
    expect(await exchange()).toMatchObject({ reason: "revoked" });
    expect(await embedding.admit(pass, {})).toMatchObject({ reason: "revoked" });
    expect(await embedding.session(renewed, { origin: ORIGIN })).toMatchObject({ ok: true });
    expect(await embedding.exchange(others.token, { origin: ORIGIN })).toMatchObject({ ok: true });
    expect(await embedding.admit(others.pass, {})).toMatchObject({ ok: true });
  });

  it("ends a session by the id of its token as long as it could last", async () => {
    const clock = createManualClock(NOW);
    const options = { maxLifetime: "1h", sessionLifetime: "1h", tolerance: "1m" } as const;
    const { embedding, issue } = setUpEmbedding({ ...options, clock, revocations: memoryTokenStore({ clock }) });
    const { token, id } = await issue({ lifetime: "1h" });
    // As late as may be, and so the longest.
    clock.advance(3_659_000);
    const opened = await embedding.exchange(token, { origin: ORIGIN });
    const session = opened.ok ? opened.session.reveal() : "";
    await embedding.revoke({ token: id });
    for (let minute = 0; minute < 61; minute++) {
      expect(await embedding.session(session, { origin: ORIGIN })).toMatchObject({ reason: "revoked" });
      clock.advance(60_000);
      await embedding.revoke({ subject: `somebody ${minute}` });
    }
    expect(await embedding.session(session, { origin: ORIGIN })).toMatchObject({ reason: "expired" });
  });

  it("has a pass and a session for each tenant's own key", async () => {
    const { embedding, issue, open } = setUpEmbedding({ keyPerTenant: true });
    const { pass } = await issue({ tenant: "acme" });
    expect(await embedding.admit(pass, {})).toMatchObject({ ok: true });
    expect(await embedding.session(await open({ tenant: "acme" }), { origin: ORIGIN, tenant: "acme" })).toMatchObject({
      ok: true,
    });
    expect(await embedding.session(await open({ tenant: "acme" }), { origin: ORIGIN, tenant: "apex" })).toMatchObject({
      reason: "wrong-tenant",
    });
  });
});
