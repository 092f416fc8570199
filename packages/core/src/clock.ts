// Where time comes from. Packages read a Clock and never Date.now(), so that a test moves time instead of waiting for it.

/** A source of time and of timers. */
export interface Clock {
  /** Milliseconds since the Unix epoch. May step back or forth when the machine's clock is set. */
  now(): number;
  /** Milliseconds, possibly fractional, on a clock that never steps back. Only differences between two readings mean anything. */
  monotonic(): number;
  /**
   * Calls `callback` once, `delayMs` from now or a little later, by the monotonic clock; returns the function that
   * cancels it. Any finite delay works, however long. The timer keeps the process alive unless `keepAlive` is false.
   */
  schedule(callback: () => void, delayMs: number, options?: { readonly keepAlive?: boolean | undefined }): () => void;
}

// Node fires a timer of more than 2^31 - 1 ms at once (https://nodejs.org/api/timers.html), so longer ones go in steps.
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The machine's own time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  schedule(callback, delayMs, options) {
    let timer: NodeJS.Timeout;
    const due = performance.now() + delayMs;
    const arm = (leftMs: number): void => {
      timer = setTimeout(wake, leftMs > 0 ? Math.min(Math.ceil(leftMs), LONGEST_TIMER_MS) : 0);
      if (options?.keepAlive === false) timer.unref();
    };
    const wake = (): void => {
      // Node's timers count whole milliseconds of their own and can fire up to one before the monotonic clock is there.
      const leftMs = due - performance.now();
      if (leftMs > 0) arm(leftMs);
      else callback();
    };
    arm(delayMs);
    return () => clearTimeout(timer);
  },
};

/** A clock that a test holds: nothing moves unless it is told to. */
export interface ManualClock extends Clock {
  /** Moves both clocks forward, firing what falls due on the way in order of time, each at its own moment. */
  advance(ms: number): void;
  /** As `advance`, but lets pending promises settle before the start and after each timer, so that awaiting code can arm its next one. */
  advanceAsync(ms: number): Promise<void>;
  /** Steps the wall clock alone, as NTP or an operator does: no timer fires, the monotonic clock stays. */
  setWallClock(epochMs: number): void;
  /** How many timers are armed: 0 when nothing was left behind. */
  readonly pendingTimers: number;
}

/** Makes a clock that stands at `epochMs` (default 0) until it is moved. */
export function createManualClock(epochMs = 0): ManualClock {
  let wall = epochMs;
  let elapsed = 0;
  // In the order of arming; timers due at the same moment fire in that order, as Node's do.
  const timers = new Set<{ readonly due: number; readonly callback: () => void }>();

  const moveTo = (target: number): void => {
    // Never back: a callback may itself have moved the clock past the target.
    const step = Math.max(0, target - elapsed);
    wall += step;
    elapsed += step;
  };
  const fireNext = (target: number): boolean => {
    let next: { readonly due: number; readonly callback: () => void } | undefined;
    for (const timer of timers) if (timer.due <= target && (!next || timer.due < next.due)) next = timer;
    if (!next) return false;
    timers.delete(next);
    moveTo(next.due);
    next.callback();
    return true;
  };

  return {
    now: () => wall,
    monotonic: () => elapsed,
    schedule(callback, delayMs) {
      const timer = { due: elapsed + Math.max(0, delayMs), callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(ms) {
      const target = elapsed + ms;
      while (fireNext(target));
      moveTo(target);
    },
    async advanceAsync(ms) {
      const target = elapsed + ms;
      do await new Promise(setImmediate);
      while (fireNext(target));
      moveTo(target);
    },
    setWallClock(to) {
      wall = to;
    },
    get pendingTimers() {
      return timers.size;
    },
  };
}
