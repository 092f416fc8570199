// Keeps a session open: renews it by the time that is left, after failures and after sleep, one attempt at a time.

import type { Clock } from "@holdfast/core";
import { backoffMs, stopwatch } from "./time.ts";

export type Attempt<S> =
  | { readonly ok: true; readonly session: S; readonly expiresInMs: number }
  /** `isRefusal`: trying again with the like is of no use. */
  | { readonly ok: false; readonly isRefusal: boolean };

export interface RenewalOptions<S> {
  /** Never rejects. */
  readonly attempt: () => Promise<Attempt<S>>;
  readonly clock: Clock;
  readonly random: () => number;
}

export interface Renewal<S> {
  /** The session, once one is open. Rejects when it was refused for good, or closed. */
  current(): Promise<S>;
  /** Tries now: for the first time, or since what failed before may work again. Before the first time nothing is tried. */
  renew(): void;
  /** Looks at the clock again, after something that may have stopped it. */
  wake(): void;
  /** The session is not accepted any more, whatever the clock says. */
  expire(session: S): void;
  /** Whoever waits is told why. */
  close(reason: string): void;
}

/** A token may have expired on its way; a second in a row that is refused did not. */
const MOST_REFUSALS = 2;

export function createRenewal<S>({ attempt, clock, random }: RenewalOptions<S>): Renewal<S> {
  let open:
    | { readonly session: S; readonly age: () => number; readonly expiresInMs: number; readonly renewAtMs: number }
    | undefined;
  const waiting: { resolve(session: S): void; reject(error: Error): void }[] = [];
  let isRunning = false;
  let failures = 0;
  let refusals = 0;
  let hasStarted = false;
  let end: "refused" | "closed" | undefined;
  let reason = "";
  let cancel = (): void => {};

  const isGood = (): boolean => open !== undefined && open.age() < open.expiresInMs;

  function schedule(delayMs: number): void {
    cancel();
    cancel = clock.schedule(run, Math.max(0, delayMs));
  }

  function run(): void {
    if (isRunning || end === "closed") return;
    cancel();
    isRunning = true;
    end = undefined;
    // From before it was asked for: the way here is part of its age.
    const age = stopwatch(clock);
    void attempt().then((outcome) => {
      isRunning = false;
      if (end === "closed") return;
      if (outcome.ok) opened(outcome.session, age, outcome.expiresInMs);
      else failed(outcome.isRefusal);
    });
  }

  function opened(session: S, age: () => number, expiresInMs: number): void {
    failures = 0;
    refusals = 0;
    const renewAtMs = expiresInMs * (0.7 + random() / 10);
    open = { session, age, expiresInMs, renewAtMs };
    schedule(renewAtMs - age());
    for (const { resolve } of waiting.splice(0)) resolve(session);
  }

  function failed(isRefusal: boolean): void {
    failures++;
    refusals = isRefusal ? refusals + 1 : 0;
    if (refusals < MOST_REFUSALS) {
      schedule(backoffMs(failures, random));
    } else {
      refusals = 0;
      finish("refused", "No session was opened: the token was refused");
    }
  }

  function finish(how: "refused" | "closed", why: string): void {
    end = how;
    reason = why;
    cancel();
    for (const { reject } of waiting.splice(0)) reject(new Error(reason));
  }

  return {
    current() {
      if (open && isGood()) return Promise.resolve(open.session);
      if (end === "closed") return Promise.reject(new Error(reason));
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        // While a failure is waited out, this waits too.
        if (hasStarted && (failures === 0 || end === "refused")) run();
      });
    },
    renew() {
      hasStarted = true;
      run();
    },
    wake() {
      if (end) return;
      if (open && failures === 0 && open.age() < open.renewAtMs) schedule(open.renewAtMs - open.age());
      else run();
    },
    expire(session) {
      if (open?.session === session) open = undefined;
    },
    close(why) {
      open = undefined;
      finish("closed", why);
    },
  };
}
