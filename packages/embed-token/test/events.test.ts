import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createManualClock } from "@holdfast/core";
import { promClientMeter } from "@holdfast/core/metrics";
import * as promClient from "prom-client";
import { Registry } from "prom-client";
import { afterEach, describe, expect, it } from "vitest";
import {
  CHANNELS,
  memoryTokenStore,
  type TokenAcceptedEvent,
  type TokenIssuedEvent,
  type TokenRefusedEvent,
} from "../src/index.ts";
import { embedTokenMetrics, measureEmbedTokens } from "../src/metrics.ts";
import { setUpEmbedding } from "./embedding-support.ts";
import { badlySigned, NOW, ORIGIN, setUp } from "./support.ts";

const facts = { address: "192.0.2.7", requestId: "r-1", method: "POST", path: "/embed/session" };
const grant = { subject: "user-7", dashboard: "sales", origins: [ORIGIN], tenant: "acme", scopes: ["view"] };

describe("told is", () => {
  it("who was given a token, for what, and until when", async () => {
    const { tokens, told } = setUp();
    const { id } = await tokens.issue({ ...grant, facts });
    expect(told).toEqual([
      [
        "issued",
        {
          ...facts,
          kind: "token",
          tokenId: id,
          keyId: "k1",
          subject: "user-7",
          dashboard: "sales",
          tenant: "acme",
          origins: [ORIGIN],
          scopes: ["view"],
          expiresAt: NOW + 60_000,
        },
      ],
    ]);
  });

  it("who was let in, and from which page", async () => {
    const { tokens, told, issue } = setUp();
    await tokens.verify(await issue({ tenant: "acme" }), { origin: ORIGIN, facts });
    const [, event] = told[1] ?? [];
    expect(event).toEqual({
      ...facts,
      kind: "token",
      tokenId: expect.stringMatching(/^[\w-]{22}$/),
      keyId: "k1",
      subject: "user-7",
      dashboard: "sales",
      tenant: "acme",
      origin: ORIGIN,
    });
  });

  it("why a token was refused, and whose it was only if it was signed", async () => {
    const { tokens, told, issue } = setUp();
    const token = await issue();
    await tokens.verify(token, { origin: "https://evil.example", facts });
    await tokens.verify(badlySigned(token), { origin: ORIGIN, facts });
    expect(told.slice(1)).toEqual([
      [
        "refused",
        expect.objectContaining({
          ...facts,
          kind: "token",
          reason: "wrong-origin",
          origin: "https://evil.example",
          subject: "user-7",
          dashboard: "sales",
        }),
      ],
      ["refused", { ...facts, kind: "token", reason: "wrong-signature", origin: ORIGIN }],
    ]);
  });

  it("what a face refused by itself", async () => {
    const { tokens, told } = setUp();
    expect(tokens.refuse("in-url", facts)).toEqual({ ok: false, reason: "in-url", answer: "invalid_token" });
    expect(told).toEqual([["refused", { ...facts, kind: "token", reason: "in-url" }]]);
  });

  it("which it was, a token, a pass or a session, and of which token", async () => {
    const told: unknown[] = [];
    const on = {
      issued: ({ kind, tokenId, requestId }: TokenIssuedEvent) => told.push(["issued", kind, tokenId, requestId]),
      accepted: ({ kind, tokenId }: TokenAcceptedEvent) => told.push(["accepted", kind, tokenId]),
      refused: ({ kind, tokenId }: TokenRefusedEvent) => told.push(["refused", kind, tokenId]),
    };
    const { embedding, issue } = setUpEmbedding({ on });
    const { token, id, pass } = await issue({ facts });
    await embedding.admit(pass, {});
    const opened = await embedding.exchange(token, { origin: ORIGIN, facts: { requestId: "r-2" } });
    const session = opened.ok ? opened.session.reveal() : undefined;
    await embedding.session(session, { origin: ORIGIN });
    await embedding.session(session, { origin: "null" });
    expect(told).toEqual([
      ["issued", "token", id, "r-1"],
      ["issued", "pass", id, "r-1"],
      ["accepted", "pass", id],
      ["accepted", "token", id],
      ["issued", "session", id, "r-2"],
      ["accepted", "session", id],
      ["refused", "session", id],
    ]);
  });

  it("what was revoked", async () => {
    const { tokens, told } = setUp({ revocations: memoryTokenStore() });
    await tokens.revoke({ dashboard: "sales" }, { facts });
    expect(told).toEqual([["revoked", { ...facts, kind: "dashboard", id: "sales" }]]);
  });

  it("nothing of a token's text or its filters", async () => {
    const { tokens, told, issue } = setUp();
    const token = await issue({ filters: { region: "a-secret-region" } });
    await tokens.verify(token, { origin: ORIGIN });
    await tokens.verify(token, { origin: "https://evil.example" });
    await tokens.verify(token.replace(".", ""), { origin: ORIGIN });
    await tokens.verify(token, { origin: token });
    const text = JSON.stringify(told);
    for (const part of token.split(".")) expect(text).not.toContain(part);
    expect(text).not.toContain("a-secret-region");
  });
});

describe("channels", () => {
  it("carry what hooks do, from every maker of tokens in the process", async () => {
    const heard: unknown[] = [];
    const hear = (event: unknown): void => void heard.push(event);
    subscribe(CHANNELS.refused, hear);
    const { tokens } = setUp({ on: {} });
    await tokens.verify("nonsense", { origin: ORIGIN });
    unsubscribe(CHANNELS.refused, hear);
    await tokens.verify("nonsense", { origin: ORIGIN });
    expect(heard).toEqual([{ kind: "token", reason: "malformed", origin: ORIGIN }]);
  });
});

describe("metrics", () => {
  const registry = new Registry();
  afterEach(() => registry.clear());

  it("count what happens", async () => {
    const hooks = embedTokenMetrics(promClientMeter(promClient, registry));
    const clock = createManualClock(NOW);
    const { tokens, issue } = setUp({ on: hooks, clock, revocations: memoryTokenStore({ clock }) });
    const token = await issue();
    await tokens.verify(token, { origin: ORIGIN });
    await tokens.verify(token, { origin: "https://evil.example" });
    await tokens.verify(undefined, { origin: ORIGIN });
    await tokens.revoke({ subject: "user-7" });
    await tokens.verify(token, { origin: ORIGIN });
    hooks.requested?.({ outcome: "throttled", durationMs: 3 });
    const text = await registry.metrics();
    for (const line of [
      'holdfast_embed_token_issued_total{kind="token"} 1',
      'holdfast_embed_token_checks_total{kind="token",outcome="accepted"} 1',
      'holdfast_embed_token_checks_total{kind="token",outcome="wrong-origin"} 1',
      'holdfast_embed_token_checks_total{kind="token",outcome="missing"} 1',
      'holdfast_embed_token_checks_total{kind="token",outcome="revoked"} 1',
      'holdfast_embed_token_revocations_total{kind="subject"} 1',
      'holdfast_embed_token_requests_total{outcome="throttled"} 1',
      'holdfast_embed_token_request_duration_seconds_count{outcome="throttled"} 1',
    ]) {
      expect(text).toContain(line);
    }
  });

  it("count tokens, passes and sessions each by its kind, the same by hooks as by channels", async () => {
    const [byHooks, byChannels] = [registry, new Registry()];
    const stop = measureEmbedTokens(promClientMeter(promClient, byChannels));
    const { embedding, issue } = setUpEmbedding({ on: embedTokenMetrics(promClientMeter(promClient, byHooks)) });
    const tickets = [await issue(), await issue(), await issue()];
    for (const { token } of tickets.slice(1)) {
      const opened = await embedding.exchange(token, { origin: ORIGIN });
      const session = opened.ok ? opened.session.reveal() : undefined;
      for (const origin of [ORIGIN, ORIGIN, "null"]) await embedding.session(session, { origin });
    }
    await embedding.admit(tickets[0]?.pass, {});
    await embedding.admit(tickets[0]?.pass, { dashboard: "costs" });
    await embedding.exchange(tickets[0]?.pass, { origin: ORIGIN });
    for (const kind of ["token", "pass", "session"] as const) embedding.refuse("wrong-request", {}, kind);
    stop();
    for (const counted of [byHooks, byChannels]) {
      const lines = (await counted.metrics()).split("\n").filter((line) => /_(?:issued|checks)_total\{/.test(line));
      expect(lines.map((line) => line.replace("holdfast_embed_token_", "")).toSorted()).toEqual([
        'checks_total{kind="pass",outcome="accepted"} 1',
        'checks_total{kind="pass",outcome="wrong-dashboard"} 1',
        'checks_total{kind="pass",outcome="wrong-request"} 1',
        'checks_total{kind="session",outcome="accepted"} 4',
        'checks_total{kind="session",outcome="wrong-origin"} 2',
        'checks_total{kind="session",outcome="wrong-request"} 1',
        'checks_total{kind="token",outcome="accepted"} 2',
        'checks_total{kind="token",outcome="wrong-audience"} 1',
        'checks_total{kind="token",outcome="wrong-request"} 1',
        'issued_total{kind="pass"} 3',
        'issued_total{kind="session"} 2',
        'issued_total{kind="token"} 3',
      ]);
    }
  });

  it("count for the whole process until they are stopped", async () => {
    const stop = measureEmbedTokens(promClientMeter(promClient, registry));
    const { issue } = setUp({ on: {} });
    await issue();
    stop();
    await issue();
    expect(await registry.metrics()).toContain('holdfast_embed_token_issued_total{kind="token"} 1');
  });
});
