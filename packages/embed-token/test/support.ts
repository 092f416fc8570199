// Tokens on a clock of the test's own, and everything that they tell.

import { createHash } from "node:crypto";
import { createManualClock, type ManualClock } from "@holdfast/core";
import {
  createEmbedTokens,
  type EmbedTokens,
  type EmbedTokensOptions,
  type Filters,
  type NewGrant,
  type RefusalReason,
  type TokenEvents,
  type VerifyCall,
} from "../src/index.ts";

export const NOW = 1_800_000_000_000;
export const ORIGIN = "https://portal.example.org";
export const ISSUER = "https://app.example.com";
export const AUDIENCE = "dashboards";

/** 32 bytes that look random and are the same in each run. */
export function keyOf(name: string): Uint8Array {
  return new Uint8Array(createHash("sha256").update(name).digest());
}

/** The token with another signature: never the same one, whatever it ends with. */
export function badlySigned(token: string): string {
  const at = token.lastIndexOf(".") + 1;
  return `${token.slice(0, at)}${token[at] === "A" ? "B" : "A"}${token.slice(at + 1)}`;
}

export type Told = { readonly [Name in keyof TokenEvents]: readonly [Name, TokenEvents[Name]] }[keyof TokenEvents];

export interface Setting<Input, Output> {
  readonly tokens: EmbedTokens<Input, Output>;
  readonly clock: ManualClock;
  readonly told: Told[];
  /** The text of a token of `user-7` for the dashboard `sales` at `ORIGIN`, unless told otherwise. */
  issue(grant?: Partial<NewGrant<Input>>): Promise<string>;
  /** The reason why it is refused at `ORIGIN`; `accepted` where it is not. */
  outcome(token: string | undefined, call?: Partial<VerifyCall>): Promise<RefusalReason | "accepted">;
}

export function setUp<Input = Filters, Output = Input>(
  options: Partial<Omit<EmbedTokensOptions<Input, Output>, "clock">> & { readonly clock?: ManualClock } = {},
): Setting<Input, Output> {
  const clock = options.clock ?? createManualClock(NOW);
  const told: Told[] = [];
  const on = Object.fromEntries(
    (["issued", "accepted", "refused", "revoked", "requested"] as const).map((name) => [
      name,
      (event: unknown) => told.push([name, event] as Told),
    ]),
  );
  const tokens = createEmbedTokens<Input, Output>({
    keys: [{ id: "k1", key: keyOf("k1") }],
    issuer: ISSUER,
    audience: AUDIENCE,
    on,
    ...options,
    clock,
  });
  return {
    tokens,
    clock,
    told,
    async issue(grant = {}) {
      const { token } = await tokens.issue({ subject: "user-7", dashboard: "sales", origins: [ORIGIN], ...grant });
      return token.reveal();
    },
    async outcome(token, call = {}) {
      const verified = await tokens.verify(token, { origin: ORIGIN, ...call });
      return verified.ok ? "accepted" : verified.reason;
    },
  };
}
