// All cases with all contestants.

import { startScriptedServer } from "@holdfast/http-retry/testing";
import type { Entry } from "./matrix-ask.ts";
import { type Case, OK } from "./matrix-case.ts";
import { bodyCases } from "./matrix-cases-bodies.ts";
import { statusCases } from "./matrix-cases-statuses.ts";
import { timeCases } from "./matrix-cases-times.ts";
import { waitCases } from "./matrix-cases-waits.ts";
import { entries } from "./matrix-entries.ts";

export interface Verdict {
  readonly case: Case;
  readonly entry: Entry;
  /** Undefined where the contestant was right. */
  readonly fault: string | undefined;
}

/** Most of their time is waiting; more at once would make timers late. */
const CASES_AT_ONCE = 3;

/** Case by case, and for each one contestant after the other. */
export async function runMatrix(): Promise<readonly Verdict[]> {
  const cases = [...waitCases, ...statusCases, ...bodyCases, ...timeCases];
  const verdicts = new Map<Case, Verdict[]>();
  await warmUp();
  const left = cases.filter(({ isAlone }) => !isAlone).values();
  const work = async (): Promise<void> => {
    for (const one of left) verdicts.set(one, await Promise.all(entries.map((entry) => judge(one, entry))));
  };
  await Promise.all(Array.from({ length: CASES_AT_ONCE }, work));
  for (const one of cases.filter(({ isAlone }) => isAlone)) {
    const alone: Verdict[] = [];
    for (const entry of entries) alone.push(await judge(one, entry));
    verdicts.set(one, alone);
  }
  return cases.flatMap((one) => verdicts.get(one) ?? []);
}

/** So that no case measures how long a library takes to be compiled. */
async function warmUp(): Promise<void> {
  await using server = await startScriptedServer([{ status: 503 }, OK]);
  for (const { create } of entries) await create({ baseDelayMs: 10 }).ask({ url: server.origin });
}

async function judge(one: Case, entry: Entry): Promise<Verdict> {
  return { case: one, entry, fault: await one.run(entry) };
}
