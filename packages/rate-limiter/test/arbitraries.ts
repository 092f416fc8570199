import * as fc from "fast-check";
import type { ModelRule } from "./model.ts";

/** Rules whose windows and limits share no convenient divisor more often than not. */
export const anyRule: fc.Arbitrary<ModelRule> = fc
  .record({
    limit: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 1_000_000 })),
    windowMs: fc.oneof(
      fc.constantFrom(1, 1000, 60_000, 3_600_000, 86_400_000, 31_622_400_000),
      fc.integer({ min: 1, max: 100_000 }),
    ),
    burst: fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 100_000 })),
  })
  // What a window of a year can't count exactly is refused by the limiter, which has a test of its own.
  .filter(({ windowMs, burst }) => windowMs * burst <= 2 ** 52);

export const anyRules: fc.Arbitrary<ModelRule[]> = fc.array(anyRule, { minLength: 1, maxLength: 3 });

export interface Step {
  /** Milliseconds since the step before; negative where the clock was set back. */
  readonly elapsed: number;
  readonly key: string;
  readonly cost: number;
}

export const anySteps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    elapsed: fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 0, max: 50 }) },
      { weight: 2, arbitrary: fc.integer({ min: 0, max: 10_000_000 }) },
      { weight: 1, arbitrary: fc.integer({ min: -5000, max: -1 }) },
    ),
    key: fc.constantFrom("a", "b", "c"),
    cost: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 40 })),
  }),
  { minLength: 1, maxLength: 60 },
);

/** Any code point, unpaired surrogates among them. fast-check's own unit of that kind takes a second to make. */
export const anyCodePoint: fc.Arbitrary<string> = fc
  .integer({ min: 0, max: 0x10ffff })
  .map((point) => String.fromCodePoint(point));
