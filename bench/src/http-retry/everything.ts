// All that the package has for its users to survive is on. Retries and their budget are anyhow.

import type { PolicyOptions } from "@holdfast/http-retry";

export const EVERYTHING: PolicyOptions = { attemptTimeout: "10s", deadline: "60s", breaker: true };
