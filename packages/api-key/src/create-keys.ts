// What is put together for the user: format, digests, checks and life of keys, over one store.

import { silentLogger, systemClock } from "@holdfast/core";
import { createDigests } from "./digest.ts";
import { ApiKeyError } from "./errors.ts";
import { createKeyFormat } from "./key-format.ts";
import type { ApiKeys, ApiKeysOptions } from "./keys.ts";
import { createLife } from "./life.ts";
import { defineRoles, STANDARD_ROLES } from "./roles.ts";
import { createUses } from "./uses.ts";
import { createVerifier } from "./verifier.ts";

/**
 * Makes, checks and ends API keys.
 *
 * @example
 * const keys = createApiKeys({ store: memoryKeyStore(), prefix: "acme" });
 * const { text } = await keys.create({ name: "nightly export", owner: "team-7", scopes: ["datasets:read"], expiresIn: "90d" });
 * const verified = await keys.verify(text.reveal(), { scope: "datasets:read" });
 * if (verified.ok) console.log(`hello ${verified.key.owner}`);
 * @throws ApiKeyError `INVALID_OPTION`, `INVALID_SCOPE`
 */
export function createApiKeys(options: ApiKeysOptions): ApiKeys {
  const { store, prefix, environments = ["live"], otherEnvironments = ["live", "test"], peppers } = options;
  const { on = {}, logger = silentLogger, clock = systemClock } = options;
  const [environment] = environments;
  if (environment === undefined) throw new ApiKeyError("INVALID_OPTION", "environments must name one at least");
  const format = createKeyFormat({ prefix, environments: [...new Set([...environments, ...otherEnvironments])] });
  const roles = defineRoles(options.roles ?? STANDARD_ROLES);
  const digests = createDigests(peppers);
  const uses = createUses({ store, digests, on, logger, warnBefore: options.warnBefore ?? "14d" });
  const verifier = createVerifier({
    store,
    format,
    environments,
    digests,
    clock,
    on,
    logger,
    ownerMay: options.ownerMay,
    failures: options.failures,
    used: uses.note,
  });
  const life = createLife({
    store,
    format,
    environment,
    digests,
    clock,
    on,
    roles,
    ownerMay: options.ownerMay,
    random: options.random,
  });

  return {
    format,
    maxStaleMs: store.maxStaleMs ?? 0,
    ...verifier,
    ...life,
    close: uses.settled,
    [Symbol.asyncDispose]: uses.settled,
  };
}
