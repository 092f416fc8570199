// The bucket as a textbook has it, in exact fractions: what every store is held against.

import type { RuleInput } from "../src/index.ts";

export interface ModelRule {
  readonly limit: number;
  readonly windowMs: number;
  readonly burst: number;
}

/** Tokens are counted in 1/windowMs of a token, as BigInt, so nothing is ever rounded. */
export class ModelBucket {
  private level: bigint;
  private at = 0n;
  private readonly rule: ModelRule;

  constructor(rule: ModelRule) {
    this.rule = rule;
    this.level = this.capacity;
  }

  private get capacity(): bigint {
    return BigInt(this.rule.burst) * BigInt(this.rule.windowMs);
  }

  private levelAt(now: number): bigint {
    const elapsed = BigInt(now) - this.at;
    if (elapsed <= 0n) return this.level;
    const refilled = this.level + elapsed * BigInt(this.rule.limit);
    return refilled > this.capacity ? this.capacity : refilled;
  }

  fits(now: number, cost: number): boolean {
    return this.levelAt(now) >= BigInt(cost) * BigInt(this.rule.windowMs);
  }

  take(now: number, cost: number): void {
    this.level = this.levelAt(now) - BigInt(cost) * BigInt(this.rule.windowMs);
    if (BigInt(now) > this.at) this.at = BigInt(now);
  }

  remaining(now: number): number {
    return Number(this.levelAt(now) / BigInt(this.rule.windowMs));
  }

  /** Milliseconds until `cost` fits, found by definition: the first whole millisecond at which it does. */
  wait(now: number, cost: number): number {
    const missing = BigInt(cost) * BigInt(this.rule.windowMs) - this.levelAt(now);
    if (missing <= 0n) return 0;
    const limit = BigInt(this.rule.limit);
    return Number((missing + limit - 1n) / limit);
  }
}

export interface ModelAnswer {
  readonly allowed: boolean;
  readonly remaining: readonly number[];
  readonly retryAfterMs: number;
}

/** All rules or none, per key. */
export class ModelLimiter {
  private readonly subjects = new Map<string, ModelBucket[]>();
  private readonly rules: readonly ModelRule[];

  constructor(rules: readonly ModelRule[]) {
    this.rules = rules;
  }

  consume(now: number, key: string, cost: number): ModelAnswer {
    const buckets = this.subjects.get(key) ?? this.rules.map((rule) => new ModelBucket(rule));
    this.subjects.set(key, buckets);
    const allowed = buckets.every((bucket) => bucket.fits(now, cost));
    if (allowed) for (const bucket of buckets) bucket.take(now, cost);
    return {
      allowed,
      remaining: buckets.map((bucket) => bucket.remaining(now)),
      retryAfterMs: allowed ? 0 : Math.max(...buckets.map((bucket) => bucket.wait(now, cost))),
    };
  }
}

export function asInputs(rules: readonly ModelRule[]): RuleInput[] {
  return rules.map(({ limit, windowMs, burst }, index) => ({ limit, window: windowMs, burst, name: `rule-${index}` }));
}
