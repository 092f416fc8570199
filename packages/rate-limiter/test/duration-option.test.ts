import { describe, expect, it } from "vitest";
import { durationOption } from "../src/duration-option.ts";

describe("an option that is a duration", () => {
  it("is taken as it is written, from its least to its most", () => {
    expect(["10ms", "2s", 60_000].map((value) => durationOption("ttl", value, 10, 60_000))).toEqual([10, 2000, 60_000]);
    expect(durationOption("deadline", "30d", 1, Number.POSITIVE_INFINITY)).toBe(2_592_000_000);
  });

  it.each([0, 9, 60_001, "61s", "soon", Number.NaN])("is refused with its name and its bounds: %s", (value) => {
    expect(() => durationOption("ttl", value, 10, 60_000)).toThrow(
      expect.objectContaining({
        code: "INVALID_OPTION",
        message: expect.stringMatching(/^ttl is .*10 ms to 60000 ms/),
      }),
    );
    expect(() => durationOption("deadline", 0, 1, Number.POSITIVE_INFINITY)).toThrow("1 ms or more");
  });
});
