// Runs the scenarios, one after the other, and says of each what was wrong.

import { scenarios } from "./scenarios.ts";
import type { Service } from "./service.ts";

export interface Result {
  readonly name: string;
  /** Undefined where all was well. */
  readonly problem: string | undefined;
}

export async function runScenarios(service: Service, report: (result: Result) => void): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const { name, run } of scenarios()) {
    const problem = await run(service).then(
      () => undefined,
      (error: Error) => (error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message),
    );
    const result = { name, problem };
    report(result);
    results.push(result);
  }
  return results;
}
