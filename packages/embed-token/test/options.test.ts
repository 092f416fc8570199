import { describe, expect, it } from "vitest";
import type { EmbedTokensOptions } from "../src/index.ts";
import { setUp } from "./support.ts";

describe("an option that can't be used is refused when the thing is made:", () => {
  const wrong: readonly Partial<Omit<EmbedTokensOptions, "clock">>[] = [
    { issuer: "" },
    { issuer: undefined as never },
    { audience: "" },
    { audience: ["a", "b"] as never },
    { lifetime: 0 },
    { lifetime: "1500ms" },
    { lifetime: "11m" },
    { maxLifetime: "30s" },
    { maxLifetime: "61m" },
    { maxLifetime: "90500ms" },
    { tolerance: "61s" },
    { storeDeadline: 0 },
    { storeDeadline: "2m" },
  ];
  it.each(wrong)("%o", (options) => {
    expect(() => setUp(options)).toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
  });

  it("a duration that is none", () => {
    expect(() => setUp({ lifetime: "soon" })).toThrow(expect.objectContaining({ code: "INVALID_DURATION" }));
  });
});
