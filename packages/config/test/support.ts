// Small builders that the tests share.

import { inspect } from "node:util";
import { ConfigError, loadConfig, type Problem, type VariableSchemas, values } from "../src/index.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** What loadConfig makes of `env` for one schema, outside production. */
export async function parsedAs(schema: VariableSchemas[string], text: string | undefined): Promise<unknown> {
  const config: { readonly X?: unknown } = await loadConfig(
    { X: schema },
    { sources: [values({ X: text })], production: false },
  );
  return config.X;
}

/** The problems of a load that must fail. */
export async function problemsOf(load: Promise<unknown>): Promise<readonly Problem[]> {
  return (await failureOf(load)).problems;
}

export async function failureOf(load: Promise<unknown>): Promise<ConfigError> {
  const outcome = await load.then(
    () => new Error("the load succeeded"),
    (error: unknown) => error,
  );
  if (outcome instanceof ConfigError) return outcome;
  throw outcome;
}

/** The problem of one text for one schema. */
export async function problemOf(
  schema: VariableSchemas[string],
  text: string | undefined,
  production = false,
): Promise<Problem> {
  const load = loadConfig({ X: schema }, { sources: [values({ X: text })], production });
  const [problem, ...others] = await problemsOf(load);
  if (!problem || others.length > 0) throw new Error(`expected one problem, got ${others.length + 1}`);
  return problem;
}

/** Every form in which a thing may end up in front of people or in a log. */
export function everyForm(thing: unknown): string {
  const forms = [
    inspect(thing, { showHidden: true, depth: null, getters: true }),
    String(thing),
    JSON.stringify(thing),
  ];
  for (let error = thing; error instanceof Error; error = error.cause) {
    forms.push(error.message, String(error.stack), inspect(error.cause), JSON.stringify(Object.entries(error)));
  }
  return forms.join("\n");
}

export function sourcesOf(env: Env): [ReturnType<typeof values>] {
  return [values(env)];
}

export interface Line {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A logger that keeps what it is given. */
export function collectingLogger(): { readonly lines: Line[]; readonly logger: import("@holdfast/core").Logger } {
  const lines: Line[] = [];
  const log = (fields: object, message: string): void => void lines.push({ fields: { ...fields }, message });
  return { lines, logger: { trace: log, debug: log, info: log, warn: log, error: log } };
}
