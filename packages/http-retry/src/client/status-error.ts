// The error of a response that has a status of 400 or above.

import { HttpRetryError, type KeptResponse } from "../errors.ts";
import type { AttemptRecord, GaveUp, GiveUpReason } from "../outcome.ts";
import { nameOf, type RequestLine } from "./request.ts";

/** `attempts`: all of them, the one that was answered too. */
export function statusError(
  line: RequestLine,
  response: KeptResponse,
  attempts: readonly AttemptRecord[],
  gaveUp: GaveUp | undefined,
): HttpRetryError {
  const answered = `${nameOf(line)} answered ${response.status}`;
  const retryAt = gaveUp?.until === undefined ? undefined : new Date(gaveUp.until);
  const details = { attempts, response, retryAt };
  if (gaveUp?.why === "wait-too-long") {
    const when = retryAt ? ` until ${retryAt.toISOString()}` : "";
    return new HttpRetryError("WAIT_TOO_LONG", `${answered} and wants no request${when}; ask again then`, details);
  }
  if (gaveUp?.why === "deadline") {
    return new HttpRetryError("DEADLINE", `${answered}, and the deadline leaves no time to try again`, details);
  }
  const tries = attempts.length > 1 ? `, the last of ${attempts.length} attempts` : "";
  return new HttpRetryError("STATUS", `${answered}${tries}${reasonOf(gaveUp?.why)}`, details);
}

/** Why it was not tried again, where the caller may want to know that it could have been. */
function reasonOf(why: GiveUpReason | undefined): string {
  switch (why) {
    case "not-idempotent":
      return "; it may have been carried out, so it is not sent again without idempotencyKey or retryUnsafe";
    case "body-spent":
      return "; its body can't be sent again: raise replayLimit, or give a function that makes it";
    case "budget":
      return "; it is not sent again while too many of the origin's requests are retries";
    case "circuit-open":
      return "; its origin fails too often to be asked again now";
    default:
      return "";
  }
}
