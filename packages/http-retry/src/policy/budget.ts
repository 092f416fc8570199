// How many of an origin's requests may be retries, so that an origin in trouble does not get more load than in good days.

/**
 * A bucket of tokens: each request puts in `ratio` of one, each retry or hedge takes one, and where there is none, none is made.
 * So over any run of requests there are at most `reserve + ratio * requests` retries.
 *
 * Source: retry throttling of gRPC A6 (https://github.com/grpc/proposal/blob/master/A6-client-retries.md), whose token ratio
 * has three decimals too, and Finagle's RetryBudget with its deposit a request and its reserve. Finagle's 20 % is the default here;
 * the SRE book (chapter 21, "Handling Overload") takes 10 %.
 */
export interface RetryBudget {
  /** For each first attempt. */
  deposit(): void;
  /** For each retry or hedge, last before it is made: whether it may be. */
  withdraw(): boolean;
}

export interface RetryBudgetOptions {
  /** Decimals beyond the third are rounded. */
  readonly ratio: number;
  /** Retries that are there from the start, and the most that are saved up; with 0, one is saved up all the same. */
  readonly reserve: number;
}

// In thousandths, which add up exactly where fifths and tenths do not.
const TOKEN = 1000;

export function createRetryBudget(options: RetryBudgetOptions): RetryBudget {
  const share = Math.round(options.ratio * TOKEN);
  const most = Math.max(options.reserve, 1) * TOKEN;
  let balance = options.reserve * TOKEN;
  return {
    deposit() {
      balance = Math.min(most, balance + share);
    },
    withdraw() {
      if (balance < TOKEN) return false;
      balance -= TOKEN;
      return true;
    },
  };
}
