// The sources take the user's client by structure: no SDK is loaded, none is named in their types, and the real ones fit.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type {
  SecretsManager,
  SecretsManagerClient as SecretsManagerWithoutMethods,
} from "@aws-sdk/client-secrets-manager";
import type { SSM, SSMClient as SsmWithoutMethods } from "@aws-sdk/client-ssm";
import type { SecretManagerServiceClient } from "@google-cloud/secret-manager";
import type vault from "node-vault";
import { expect, expectTypeOf, test } from "vitest";
import type { SecretsManagerClient } from "../../src/sources/aws-secrets-manager.ts";
import type { SsmClient } from "../../src/sources/aws-ssm.ts";
import type { GcpSecretManagerClient } from "../../src/sources/gcp-secret-manager.ts";
import type { VaultClient, VaultKvOptions } from "../../src/sources/vault.ts";

const FILES = ["aws-ssm", "aws-secrets-manager", "gcp-secret-manager", "vault"];

const urlOf = (file: string): string => new URL(`../../src/sources/${file}.ts`, import.meta.url).href;

/** The URLs of all modules that an import of `url` loads, in a process of its own. */
function modulesLoaded(url: string): string[] {
  const script = `
    import { registerHooks } from "node:module";
    registerHooks({ load: (url, context, next) => (console.log(url), next(url, context)) });
    await import(${JSON.stringify(url)});
  `;
  const options = { encoding: "utf8" } as const;
  return execFileSync(process.execPath, ["--input-type=module", "--no-warnings", "-e", script], options)
    .trim()
    .split("\n");
}

test.each(FILES)("importing %s loads nothing but our own code and Node's", (file) => {
  const loaded = modulesLoaded(urlOf(file));
  expect(loaded).toContain(urlOf(file));
  expect(loaded.filter((url) => !/^node:|\/packages\/(config|core)\/src\//.test(url))).toEqual([]);
});

test.each([...FILES, "remote"])("%s takes no type from an SDK either", (file) => {
  const imports = readFileSync(new URL(urlOf(file)), "utf8").matchAll(/\b(?:from|import\()\s*"([^"]+)"/g);
  const foreign = [...imports]
    .map(([, specifier = ""]) => specifier)
    .filter((specifier) => !/^(\.|node:)/.test(specifier));
  expect(foreign).toEqual([]);
});

test("the vendors' clients fit", () => {
  expectTypeOf<SSM>().toExtend<SsmClient>();
  expectTypeOf<SecretsManager>().toExtend<SecretsManagerClient>();
  expectTypeOf<SecretManagerServiceClient>().toExtend<GcpSecretManagerClient>();
  expectTypeOf<vault.client>().toExtend<VaultClient>();
});

test("the bare AWS clients, which lack the methods, do not", () => {
  expectTypeOf<SsmWithoutMethods>().not.toExtend<SsmClient>();
  expectTypeOf<SecretsManagerWithoutMethods>().not.toExtend<SecretsManagerClient>();
});

test("Vault is asked for one secret or for each variable's own, never both or neither", () => {
  expectTypeOf<{ client: VaultClient; path: string }>().toExtend<VaultKvOptions>();
  expectTypeOf<{ client: VaultClient; names: { A: string } }>().toExtend<VaultKvOptions>();
  expectTypeOf<{ client: VaultClient; path: string; names: { A: string } }>().not.toExtend<VaultKvOptions>();
  expectTypeOf<{ client: VaultClient }>().not.toExtend<VaultKvOptions>();
});
