import { describe, expect, it } from "vitest";
import { repeats } from "../src/withhold.ts";

describe("a message repeats a value", () => {
  it.each([
    ["got hunter2", "hunter2"],
    ["got HUNTER2", "hunter2"],
    ["got hunt…", "hunter2"],
    ["got …ter2", "hunter2"],
    ['got "a\\"b"', 'a"b'],
    ["got a%2Fb%2Fc", "a/b/c"],
    ["got %C3%A9%C3%A8", "éè"],
    ["got Pj4+Pz8/", ">>>???"],
    ["got Pj4-Pz8_", ">>>???"],
    ["got x9q.", "x9q"],
    ["x", "x"],
    ["got 1.5", "01.50"],
    ["got two words here", "two words"],
    ["got hunter2", " hunter2\n"],
    ["got a b c d e f", "a b c d e f"],
  ])("%j of %j", (message, raw) => {
    expect(repeats(message, raw)).toBe(true);
  });

  it.each([
    ["expected a number", "hunter2"],
    ["must be positive", "x9q"],
    ["must be exact", "x"],
    ["too short", "a to be"],
    ["anything", ""],
    ["a lone surrogate", "\ud800"],
    ["must be at least 10", "100"],
  ])("%j not of %j", (message, raw) => {
    expect(repeats(message, raw)).toBe(false);
  });

  it("is told of a megabyte in no time that matters", () => {
    const message = "Too long: expected text to have <=100 characters";
    expect(repeats(message, "ž".repeat(2 ** 20))).toBe(false);
  });
});
