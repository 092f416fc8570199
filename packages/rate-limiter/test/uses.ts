// Whether what was used on some interval was more than burst + rate x time, looked at on every interval that there is.

/** Tokens that were used at some moment from `before` to `after`, in milliseconds of one monotonic clock. */
export interface Use {
  readonly before: number;
  readonly after: number;
  readonly tokens: number;
}

export interface Excess {
  /** Above 0 where the bound was broken. */
  readonly tokens: number;
  readonly fromMs: number;
  readonly toMs: number;
}

// A store decides in whole milliseconds of its own clock, so between two moments it may see almost one more than there was.
const TICK_MS = 1;
// How much faster its clock may run: NTP slews one by at most 500 parts in a million (adjtimex(2)).
const PACE = 500 / 1e6;

/**
 * The interval with the most tokens above the bound. Only uses that lie within an interval for certain are counted in it, so what is
 * found is no artefact of when we looked. Takes time by the square of the number of uses.
 */
export function worstExcess(
  uses: readonly Use[],
  rule: { readonly limit: number; readonly window: number; readonly burst: number },
): Excess {
  const byEnd = [...uses].sort((one, other) => one.after - other.after);
  let worst: Excess = { tokens: Number.NEGATIVE_INFINITY, fromMs: 0, toMs: 0 };
  for (const { before: from } of uses) {
    let used = 0;
    for (const { before, after, tokens } of byEnd) {
      if (before < from) continue;
      used += tokens;
      const allowed = rule.burst + (rule.limit / rule.window) * ((after - from) * (1 + PACE) + TICK_MS);
      if (used - allowed > worst.tokens) worst = { tokens: used - allowed, fromMs: from, toMs: after };
    }
  }
  return worst;
}
