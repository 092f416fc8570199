import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { covers, defineRoles, isHeldScope, isScope, isWithin, STANDARD_ROLES } from "../src/index.ts";
import { allowsValues, checkHeldScopes, checkLimits, isConfinedWithin } from "../src/scopes.ts";

describe("a scope that is asked for", () => {
  it.each(["datasets:read", "a:b", "datasets:rows:read", "a:b:c:d", "data-sets_2.x:read.all"])("may be %s", (scope) => {
    expect(isScope(scope)).toBe(true);
  });

  it.each([
    ...["", "datasets", ":", "a:", ":a", "a::b", "a:b:c:d:e", "*", "*:*", "a:*", "*:read", "a:**", "a.**"],
    ...["Datasets:read", "datasets:Read", "datasets: read", " datasets:read", "datasets:read\n", "data\u0455ets:read"],
    ...["a:b,c", "a:b c", "a:b?", "a:-b", "a:b-", "a:.", "__proto__", `a:${"b".repeat(65)}`],
  ])("is never %j", (scope) => {
    expect(isScope(scope)).toBe(false);
    expect(covers(["*:*", "*:*:*", "*:*:*:*", scope], scope)).toBe(false);
  });
});

describe("a held scope", () => {
  it.each([
    ["datasets:read", "datasets:read"],
    ["datasets:*", "datasets:read"],
    ["*:read", "datasets:read"],
    ["*:*", "datasets:read"],
    ["datasets:*:read", "datasets:rows:read"],
    ["*:*:*", "datasets:rows:read"],
  ])("%s covers %s", (held, asked) => {
    expect(covers([held], asked)).toBe(true);
    expect(covers(["x:y", held], asked)).toBe(true);
  });

  it.each([
    ["datasets:read", "datasets:reads"],
    ["datasets:read", "datasets:rea"],
    ["datasets:read", "dataset:read"],
    ["datasets:read", "datasets:read:all"],
    ["datasets:*", "datasets:rows:read"],
    ["datasets:*", "reports:read"],
    ["*:read", "datasets:write"],
    ["*:*", "datasets:rows:read"],
    ["*:*:*", "datasets:read"],
  ])("%s does not cover %s", (held, asked) => {
    expect(covers([held], asked)).toBe(false);
  });

  it.each([
    ...[
      "",
      "*",
      "**",
      "**:**",
      "*:**",
      "datasets:**",
      "datasets.*",
      "data*:read",
      "*sets:read",
      "datasets:re*",
      "da**ts:read",
    ],
    ...[
      "DATASETS:READ",
      "Datasets:*",
      "datasets:read ",
      "datasets:",
      ":read",
      "*:",
      ":*",
      "datasets::read",
      "datasets:*:",
    ],
    ...[
      "data\u0455ets:read",
      "datasets:\uff0a",
      "{datasets}:read",
      "datasets:(read|write)",
      ".*",
      "%:%",
      "_atasets:read",
    ],
    ...["__proto__", "constructor"],
  ])("of unknown syntax covers nothing: %j", (held) => {
    expect(isHeldScope(held)).toBe(false);
    expect(covers([held], "datasets:read")).toBe(false);
    expect(covers([held], "datasets:rows:read")).toBe(false);
    expect(() => checkHeldScopes([held])).toThrow(/is no scope/);
  });

  it("covers nothing where there is none", () => {
    expect(covers([], "datasets:read")).toBe(false);
  });

  it("covers what a comparison of segments says", () => {
    const segment = fc.constantFrom("*", "a", "b", "ab", "read");
    const scope = fc.array(segment, { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(scope, scope, (held, asked) => {
        const expected =
          !asked.includes("*") &&
          asked.length >= 2 &&
          asked.length <= 4 &&
          held.length === asked.length &&
          held.every((one, index) => one === "*" || one === asked[index]);
        return covers([held.join(":")], asked.join(":")) === expected;
      }),
    );
  });
});

describe("a set of scopes is within another", () => {
  it.each([
    [[], []],
    [[], ["a:b"]],
    [["a:b"], ["a:b", "c:d"]],
    [["a:b", "a:c"], ["a:*"]],
    [["a:*"], ["a:*"]],
    [["a:*", "*:b"], ["*:*"]],
  ])("%j within %j", (inner, outer) => {
    expect(isWithin(inner, outer)).toBe(true);
  });

  it.each([
    [["a:b"], []],
    [["*:*"], ["a:*", "*:b"]],
    [["a:*"], ["a:b", "a:c"]],
    [["a:b", "c:d"], ["a:b"]],
    [["*:b"], ["a:*"]],
    [["a:b"], ["a:**"]],
    [["a:**"], ["a:**"]],
    [["*"], ["*:*"]],
    [["a:b:c"], ["a:*"]],
    [["A:b"], ["*:*"]],
  ])("%j not within %j", (inner, outer) => {
    expect(isWithin(inner, outer)).toBe(false);
  });

  it("only where it covers no more", () => {
    const held = fc.array(
      fc.array(fc.constantFrom("*", "a", "b"), { minLength: 2, maxLength: 3 }).map((it) => it.join(":")),
    );
    const asked = fc.array(fc.constantFrom("a", "b"), { minLength: 2, maxLength: 3 }).map((it) => it.join(":"));
    fc.assert(
      fc.property(
        held,
        held,
        asked,
        (inner, outer, one) => !isWithin(inner, outer) || !covers(inner, one) || covers(outer, one),
      ),
    );
  });
});

describe("limits", () => {
  const limits = { dataset: ["sales", "stock"], tenant: [] };

  it("let through the values that they list, and any of a kind that they don't name", () => {
    expect(allowsValues(limits, {})).toBe(true);
    expect(allowsValues(limits, { dataset: "stock", region: "eu" })).toBe(true);
    expect(allowsValues({}, { dataset: "sales", ["__proto__"]: "x", constructor: "x" })).toBe(true);
  });

  it("let through nothing else, and nothing of an empty list", () => {
    for (const asked of [
      { dataset: "Sales" },
      { dataset: "sales " },
      { dataset: "*" },
      { dataset: "" },
      { tenant: "7" },
    ]) {
      expect(allowsValues(limits, asked)).toBe(false);
    }
    expect(allowsValues(limits, { dataset: "sales", tenant: "7" })).toBe(false);
  });

  it("are within others that confine no more", () => {
    expect(isConfinedWithin({ dataset: ["sales"], tenant: [], region: ["eu"] }, limits)).toBe(true);
    expect(isConfinedWithin({ dataset: ["sales"] }, {})).toBe(true);
    for (const inner of [
      {},
      { dataset: ["sales"] },
      { ...limits, dataset: ["sales", "hr"] },
      { ...limits, tenant: ["7"] },
    ]) {
      expect(isConfinedWithin(inner, limits)).toBe(false);
    }
  });

  it.each([
    { Dataset: ["a"] },
    { "": ["a"] },
    { dataset: "a" },
    { dataset: [1] },
    { dataset: [""] },
    { dataset: ["a\n"] },
    { dataset: ["\ud800"] },
    { dataset: ["a".repeat(201)] },
    { dataset: null },
    { dataset: [{ $ne: "" }] },
  ])("are not %j", (bad) => {
    expect(() => checkLimits(bad as never)).toThrow(expect.objectContaining({ code: "INVALID_SCOPE" }));
  });
});

describe("roles", () => {
  it("are names for sets of scopes; the standard ones read, write and do all", () => {
    expect(STANDARD_ROLES).toEqual({ "read-only": ["*:read"], write: ["*:read", "*:write"], admin: ["*:*"] });
    expect(defineRoles({ auditor: ["events:read"] })).toEqual({ auditor: ["events:read"] });
  });

  it("hold scopes of the right form only", () => {
    expect(() => defineRoles({ admin: ["**"] })).toThrow(expect.objectContaining({ code: "INVALID_SCOPE" }));
  });
});
