// One call: what is asked, what the server does about it, and what came of it.

import { setImmediate as turn, setTimeout as wait } from "node:timers/promises";
import { inspect } from "node:util";
import type { Random } from "@holdfast/testing/torture";
import type { ReceivedRequest, Step } from "../../src/testing.ts";
import type { Answered, Face, FaceName } from "./faces.ts";
import { type Plan, planScript, type Served } from "./plan.ts";
import { DEADLINE_MS, type RandomRequest, randomRequest } from "./requests.ts";

/** How much later than it should a call may end, on a machine that is busy with other things. */
export const LATE_MS = 2000;

export interface Call {
  readonly url: string;
  readonly request: RandomRequest;
  readonly description: string;
  readonly startsAfterMs: number;
  readonly abortsAfterMs: number | undefined;
  readonly abort: AbortController;
  /** Where it is sent, and where a redirect leads it. */
  readonly hops: Readonly<Record<"first" | "second", Hop>>;
  startedAt: number;
  /** When the engine had begun with it: a turn or two after the start, of which either may be long on a busy machine. */
  begunBy: number;
  abortedAt: number | undefined;
  result: Result | undefined;
}

export interface Hop {
  readonly path: string;
  readonly attempts: AttemptStart[];
  readonly served: Served[];
  answer(received: ReceivedRequest): Step;
}

/** By performance.now(). */
export interface AttemptStart {
  /** When undici was handed the attempt. */
  readonly at: number;
  /** When the engine last looked at the clock before: what it knew of the time. */
  readonly decidedAt: number;
}

export type Result =
  | { readonly ok: true; readonly answered: Answered; readonly settledAt: number }
  | { readonly ok: false; readonly error: unknown; readonly settledAt: number };

/** The caller's own, so that it is known where it turns up. */
export class CallerLeft extends Error {}

export function planCall(random: Random, face: FaceName, origin: string, path: string): Call {
  const request = randomRequest(random, face);
  const { method, kind, content, reading } = request;
  const startsAfterMs = random.chance(0.5) ? 0 : random.int(0, 30);
  const abortsAfterMs = random.chance(0.3) ? random.int(0, 120) : undefined;
  const elsewhere = `${path}/elsewhere`;
  // Of others, redirects are somebody else's to follow.
  const isFollowed = face === "client" || face === "stream" || face === "fetch";
  const first = planScript(random, { method, elsewhere: isFollowed ? elsewhere : undefined });
  const second = planScript(random, { method, elsewhere: undefined });
  const facts = { body: kind, bytes: content?.length, reading, startsAfterMs, abortsAfterMs };
  return {
    url: `${origin}${path}`,
    request,
    description: [
      `${method} ${path}, ${inspect(facts)}`,
      ...first.map(describe),
      "elsewhere",
      ...second.map(describe),
    ].join("\n    "),
    startsAfterMs,
    abortsAfterMs,
    abort: new AbortController(),
    hops: { first: hopOf(path, first), second: hopOf(elsewhere, second) },
    startedAt: Number.NaN,
    begunBy: Number.POSITIVE_INFINITY,
    abortedAt: undefined,
    result: undefined,
  };
}

function hopOf(path: string, script: readonly Plan[]): Hop {
  const served: Served[] = [];
  return {
    path,
    attempts: [],
    served,
    answer(received) {
      const plan = script[Math.min(served.length, script.length - 1)] as Plan;
      served.push({ plan, received });
      return plan.step;
    },
  };
}

function describe({ step }: Plan): string {
  return inspect(step, { maxStringLength: 20, maxArrayLength: 5, breakLength: Number.POSITIVE_INFINITY });
}

/** Resolves when the call has settled; rejects when it has not in time. */
export async function playCall(face: Face, call: Call): Promise<void> {
  const { url, request, abort, startsAfterMs, abortsAfterMs } = call;
  if (startsAfterMs > 0) await wait(startsAfterMs);
  const timer = setTimeout(() => {
    call.abortedAt = performance.now();
    abort.abort(new CallerLeft());
  }, abortsAfterMs ?? 1e9);
  call.startedAt = performance.now();
  const { method, headers, body, reading } = request;
  const settled = face.ask({ url, method, headers, body, reading, signal: abort.signal }).then(
    (answered) => {
      call.result = { ok: true, answered, settledAt: performance.now() };
    },
    (error: unknown) => {
      call.result = { ok: false, error, settledAt: performance.now() };
    },
  );
  try {
    await turn();
    await turn();
    call.begunBy = performance.now();
    await within(DEADLINE_MS + LATE_MS, settled, `${method} ${url} has not settled`);
  } finally {
    clearTimeout(timer);
  }
}

export async function within(ms: number, awaited: Promise<unknown>, complaint: string): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${complaint} after ${ms} ms`)), ms);
  try {
    await Promise.race([awaited, late]);
  } finally {
    clearTimeout(timer);
  }
}
