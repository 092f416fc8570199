// Who may have tokens made, or read the figures themselves: keys out of API_KEYS.

import { type ApiKeys, createApiKeys, environmentKeyStore } from "@holdfast/api-key";
import { keyMetrics } from "@holdfast/api-key/metrics";
import type { Clock, Logger } from "@holdfast/core";
import type { Meter } from "@holdfast/core/metrics";
import { createRateLimiter, type RateLimitStore } from "@holdfast/rate-limiter";
import type { Settings } from "./config.ts";

export interface ServiceKeysOptions {
  readonly config: Settings;
  readonly logger: Logger;
  readonly meter: Meter;
  readonly limits: RateLimitStore;
  readonly clock: Clock;
}

export const SALES_READ = "sales:read";
/** What `byApiKey` asks of a key by default. */
const EMBEDS_CREATE = "embeds:create";

/** Twenty wrong keys a minute from one address are a person who mistypes; more is somebody who tries. */
const FAILURES = "20/minute";

export function createServiceKeys({ config, logger, meter, limits, clock }: ServiceKeysOptions): ApiKeys {
  const store = environmentKeyStore({ keys: config.API_KEYS, scopes: [EMBEDS_CREATE, SALES_READ], logger, clock });
  const failures = createRateLimiter({ name: "failed keys", rules: FAILURES, store: limits, clock });
  return createApiKeys({ store, prefix: "sales", failures, on: keyMetrics(meter), logger, clock });
}
