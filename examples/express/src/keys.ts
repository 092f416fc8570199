// Who may ask for orders: keys out of API_KEYS, each good for what is written here.

import { type ApiKeys, createApiKeys, environmentKeyStore, type FailureLimiter } from "@holdfast/api-key";
import { keyMetrics } from "@holdfast/api-key/metrics";
import type { Clock, Logger } from "@holdfast/core";
import type { Meter } from "@holdfast/core/metrics";
import { createRateLimiter } from "@holdfast/rate-limiter";
import type { Settings } from "./config.ts";

export interface ServiceKeysOptions {
  readonly config: Settings;
  readonly logger: Logger;
  readonly meter: Meter;
  readonly clock: Clock;
}

export const ORDERS_READ = "orders:read";

/** Twenty wrong keys a minute from one address are a person who mistypes; more is somebody who tries. */
const FAILURES = "20/minute";

export function createServiceKeys({ config, logger, meter, clock }: ServiceKeysOptions): ApiKeys {
  const store = environmentKeyStore({ keys: config.API_KEYS, scopes: [ORDERS_READ], logger, clock });
  const failures: FailureLimiter = createRateLimiter({ name: "failed keys", rules: FAILURES, clock });
  return createApiKeys({ store, prefix: "orders", failures, on: keyMetrics(meter), logger, clock });
}
