// What the rooms of the engine hand to each other.

import type { Dispatcher } from "undici";
import type { RequestBody } from "../body/request-body.ts";
import type { KeptResponse } from "../errors.ts";
import type { AttemptRecord, GaveUp } from "../outcome.ts";
import type { Policy } from "../policy/policy.ts";

/** The one controller that a sink sees, whatever attempts come and go behind it. */
export interface CallController extends Dispatcher.DispatchController {
  /** The attempts that are over; the one that now answers is not among them. */
  readonly attempts: readonly AttemptRecord[];
  /** Set before `onResponseStart` and `onResponseError`. */
  readonly gaveUp: GaveUp | undefined;
  /** The last response whose body was not passed on, where there was one. */
  readonly lastResponse: KeptResponse | undefined;
}

/**
 * Takes what one call comes to, as undici's handlers do: `onRequestStart` once, before anything is sent; then either
 * `onResponseStart`, data and `onResponseEnd`, or at any time `onResponseError`, after which nothing comes. Errors are
 * `HttpRetryError`s, but for the reason of an abort, which comes as it is. `onRequestStart` comes again where a layer below has
 * a context to hand up, such as the redirects that it followed.
 */
export interface Sink extends Dispatcher.DispatchHandler {
  /**
   * Forgets the response that it was given so far: `onResponseStart` comes again. Present only where no byte of it has been
   * let out of hand.
   */
  restart?(): void;
}

/** A request as the engine takes it. */
export interface EngineCall {
  /** The layer below: an undici dispatcher's own. */
  readonly dispatch: Dispatcher["dispatch"];
  /** Without its body and its signal. `origin`, `path` and `method` are set. */
  readonly options: Dispatcher.DispatchOptions;
  readonly body: RequestBody | undefined;
  readonly policy: Policy;
  /** Ends the call: attempts, waits and body. */
  readonly signal?: AbortSignal | undefined;
  /** Whether the sink wants informational responses (1xx), each as an `onResponseStart`. Default false. */
  readonly wantsInformation?: boolean | undefined;
  /** By the monotonic clock; overrides the policy's. Of a call that several requests share, such as redirects. */
  readonly deadlineAt?: number | undefined;
}
