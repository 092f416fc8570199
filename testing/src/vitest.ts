// What the root vitest.config.ts is written in: a package's name and the servers that its tests need become vitest projects.

import { join } from "node:path";
import type { TestProjectInlineConfiguration } from "vitest/config";
import type { ServerName } from "./servers/server.ts";

const WORKSPACE = join(import.meta.dirname, "../..");

/** One package (or example) whose tests can be run by name. */
export interface TestedPackage {
  readonly name: string;
  readonly folder: string;
  readonly isPublished: boolean;
  /** What its `*.server.test.ts` files need. */
  readonly servers: readonly ServerName[];
}

interface TestedOptions {
  readonly servers?: readonly ServerName[];
}

/** A published package: `packages/NAME`. */
export function published(name: string, options?: TestedOptions): TestedPackage {
  return tested(name, join("packages", name), options, true);
}

/** An example service: `examples/NAME`. */
export function example(name: string, options?: TestedOptions): TestedPackage {
  return tested(name, join("examples", name), options);
}

/** A private folder beside them. */
export function tool(name: string, options?: TestedOptions): TestedPackage {
  return tested(name, name, options);
}

function tested(name: string, folder: string, options: TestedOptions = {}, isPublished = false): TestedPackage {
  return { name, folder: join(WORKSPACE, folder), isPublished, servers: options.servers ?? [] };
}

/** The one of that name, or all where none is named. */
export function choose(packages: readonly TestedPackage[], name: string | undefined): readonly TestedPackage[] {
  if (name === undefined) return packages;
  const chosen = packages.filter((tested) => tested.name === name);
  if (chosen.length > 0) return chosen;
  throw new Error(`There is no package ${name}. There are: ${packages.map((tested) => tested.name).join(", ")}`);
}

/**
 * The vitest projects of a package: `NAME` runs `test/**` without any server; `NAME:servers`, where servers are named, runs
 * `*.server.test.ts` with exactly those started before the first test. A test file reads their URLs with `serverUrl("redis")`.
 */
export function vitestProjects({ name, folder, servers }: TestedPackage): TestProjectInlineConfiguration[] {
  // Some properties take seconds, and a busy machine several times as long. What is polled for may be as late there.
  const patience = { testTimeout: 20_000, expect: { poll: { timeout: 10_000 } } };
  const unit: TestProjectInlineConfiguration = {
    root: folder,
    test: { name, include: ["test/**/*.test.ts"], exclude: ["**/*.server.test.ts"], ...patience },
  };
  if (servers.length === 0) return [unit];
  const withServers: TestProjectInlineConfiguration = {
    root: folder,
    test: {
      name: `${name}:servers`,
      include: ["test/**/*.server.test.ts"],
      globalSetup: join(import.meta.dirname, "servers/setup.ts"),
      provide: { servers },
      ...patience,
      hookTimeout: 60_000,
    },
  };
  return [unit, withServers];
}
