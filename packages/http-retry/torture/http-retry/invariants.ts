// What must hold of every call, and of what is left when all are over.

import { getEventListeners } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { inspect } from "node:util";
import { HttpRetryError, type PolicyOptions } from "../../src/index.ts";
import type { ReceivedRequest, ScriptedServer } from "../../src/testing.ts";
import { type Call, CallerLeft, type Hop, LATE_MS, within } from "./calls.ts";
import type { Answered, Face, FaceName } from "./faces.ts";
import { couldTell } from "./plan.ts";
import type { CountingClock } from "./requests.ts";

/** How much later than `begunBy` the engine may note the start from which it takes the deadline. */
const START_MS = 100;

export function checkCall(call: Call, face: FaceName, options: PolicyOptions): void {
  for (const complaint of complaints(call, face, options)) {
    const attempts = Object.values(call.hops).flatMap((hop) =>
      hop.attempts.map(({ at }) => Math.round(at - call.startedAt)),
    );
    const result = inspect(call.result, { maxArrayLength: 5, depth: 6 });
    throw new Error(`${complaint}\n${call.description}\nattempts after ${attempts.join(", ")} ms\n${result}`);
  }
}

function* complaints(call: Call, face: FaceName, options: PolicyOptions): Iterable<string> {
  const { result } = call;
  if (result) {
    const dueAt = Math.min(call.startedAt + Number(options.deadline), call.abortedAt ?? Number.POSITIVE_INFINITY);
    if (result.settledAt > dueAt + LATE_MS) yield "settled late";
    if (result.ok && !isPossible(call, result.answered)) yield "was told what no server said";
    if (!result.ok && !isTyped(result.error, face)) yield "failed with an error that says nothing";
  }
  for (const hop of Object.values(call.hops)) {
    yield* complaintsOfAttempts(hop, call, options);
    yield* complaintsOfBodies(hop, call, options);
  }
}

function isPossible({ hops, request }: Call, answered: Answered): boolean {
  return Object.values(hops).some(({ served }) =>
    served.some((one) => couldTell(one, answered, request.reading === "whole")),
  );
}

function isTyped(error: unknown, face: FaceName): boolean {
  if (error instanceof HttpRetryError || error instanceof CallerLeft) return true;
  const isFetch = face === "fetch" || face === "undiciFetch" || face === "globalFetch";
  return isFetch && error instanceof TypeError && error.cause instanceof HttpRetryError;
}

function* complaintsOfAttempts(
  { attempts }: Hop,
  { begunBy, abortedAt }: Call,
  options: PolicyOptions,
): Iterable<string> {
  const most = (Number(options.retries) + 1) * (options.hedge ? 2 : 1);
  if (attempts.length > most) yield `made ${attempts.length} attempts, of ${most} at the most`;
  const last = attempts.at(-1);
  if (!last) return;
  if (last.decidedAt > begunBy + Number(options.deadline) + START_MS) yield "began an attempt after the deadline";
  if (abortedAt !== undefined && last.at > abortedAt) yield "began an attempt after the abort";
}

function* complaintsOfBodies({ served }: Hop, { request }: Call, options: PolicyOptions): Iterable<string> {
  const { content, method, hasKey } = request;
  const whole = served.map(({ received }) => received).filter(({ isComplete }) => isComplete);
  const given = content ?? whole[0]?.body ?? Buffer.alloc(0);
  // A 303 leads to a GET, which has none.
  const isRight = ({ method: sent, body }: ReceivedRequest) => body.equals(sent === method ? given : Buffer.alloc(0));
  if (!whole.every(isRight)) yield "sent another body, and made it look whole";
  const mayRepeat = hasKey || options.retryUnsafe || options.idempotencyKey;
  const unsafe = whole.filter(({ method: sent }) => sent === "POST" || sent === "PATCH");
  if (!mayRepeat && unsafe.length > 1) yield `was carried out ${unsafe.length} times`;
  const keys = new Set(served.map(({ received }) => received.headers["idempotency-key"]));
  if (keys.size > 1) yield "changed its key";
}

export async function checkNothingLeft(
  face: Face,
  server: ScriptedServer,
  clock: CountingClock,
  calls: readonly Call[],
  name: FaceName,
): Promise<void> {
  await until(
    () => clock.pending === 0,
    () => `${clock.pending} timers are left`,
  );
  const listeners = () => calls.reduce((sum, call) => sum + (isHeardByOthers(call, name) ? 0 : listenersOf(call)), 0);
  await until(
    () => listeners() === 0,
    () => `${listeners()} listeners are left on the callers' signals`,
  );
  await within(LATE_MS, face.close(), "the client has not closed");
  await until(
    () => server.openConnections === 0,
    () => `${server.openConnections} connections are left`,
  );
}

const listenersOf = ({ abort }: Call): number => getEventListeners(abort.signal, "abort").length;

/** Node's own fetch leaves its listeners to the garbage collector; undici's, where nobody reads the body. */
function isHeardByOthers({ request }: Call, face: FaceName): boolean {
  return face === "globalFetch" || (face !== "stream" && request.reading === "nothing");
}

/** Resolves once it is so; a timer that waits for several calls may outlive the last of them a little. */
export async function until(isSo: () => boolean, complaint: () => string): Promise<void> {
  const end = performance.now() + LATE_MS;
  while (!isSo()) {
    if (performance.now() > end) throw new Error(complaint());
    await wait(1);
  }
}
