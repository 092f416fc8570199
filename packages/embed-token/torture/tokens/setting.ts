// A maker of tokens with options of chance, and grants for it.

import { createManualClock, type ManualClock } from "@holdfast/core";
import type { Random } from "@holdfast/testing/torture";
import { createEmbedTokens, type EmbedTokens, memoryTokenStore, type NewGrant } from "../../src/index.ts";

export const NOW = 1_800_000_000_000;
export const TOLERANCE_MS = 5000;

export interface Setting {
  readonly tokens: EmbedTokens;
  readonly clock: ManualClock;
  readonly isOnce: boolean;
  readonly isPerTenant: boolean;
  readonly keys: readonly { readonly id: string; readonly key: Uint8Array }[];
}

export function randomSetting(random: Random): Setting {
  const clock = createManualClock(NOW + random.int(0, 999));
  const [isOnce, isPerTenant] = [random.chance(0.3), random.chance(0.3)];
  const keys = Array.from({ length: random.int(1, 3) }, (_, index) => ({
    id: `k${index}`,
    key: new Uint8Array(random.bytes(random.pick([32, 33, 64]))),
  }));
  const tokens = createEmbedTokens({
    keys,
    keyPerTenant: isPerTenant,
    issuer: "https://app.example.com",
    audience: "dashboards",
    tolerance: TOLERANCE_MS,
    clock,
    random: random.bytes,
    ...(isOnce && { once: memoryTokenStore({ clock }) }),
  });
  return { tokens, clock, isOnce, isPerTenant, keys };
}

const HOSTS = ["a.example", "b.example", "x.a.example", "y.x.a.example", "xn--bcher-kva.example", "127.0.0.1", "[::1]"];

export function randomOrigin(random: Random): string {
  return `${random.pick(["https", "https", "http"])}://${random.pick(HOSTS)}${random.pick(["", "", ":8443"])}`;
}

function randomPattern(random: Random): string {
  return random.chance(0.3) ? `https://*.${random.pick(HOSTS.slice(0, 3))}` : randomOrigin(random);
}

export function randomGrant(random: Random, needsTenant: boolean): NewGrant {
  return {
    subject: random.pick(["user-7", "ü", "😀", "x".repeat(256), "a:b", "__proto__"]),
    dashboard: random.pick(["sales", "hr", "{}", '":"']),
    origins: Array.from({ length: random.int(1, 4) }, () => randomPattern(random)),
    scopes: random.pick([[], ["view"], ["view", "export"]]),
    filters: random.pick([{}, { region: ["eu", "us"], n: 1.5, b: false, z: null }, { '":': '":\\"', __proto__x: "{" }]),
    lifetime: random.int(1, 600) * 1000,
    ...((needsTenant || random.chance(0.3)) && { tenant: random.pick(["acme", "umbrella", "a.b:c@d-e"]) }),
  };
}
