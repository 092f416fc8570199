import { inspect } from "node:util";
import { describe, expect, expectTypeOf, it } from "vitest";
import { type CoreErrorCode, HoldfastError, parseDuration } from "../src/index.ts";

class LeaseError extends HoldfastError<"LOST" | "TAKEN"> {
  static {
    LeaseError.prototype.name = "LeaseError";
  }
}

describe("HoldfastError", () => {
  it("is an Error with a code, a message and a cause", () => {
    const cause = new Error("socket hang up");
    const error = new HoldfastError("LOST", "The lease is lost", { cause });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ code: "LOST", message: "The lease is lost", cause });
  });

  it("has no cause of its own unless it is given one", () => {
    expect(Object.hasOwn(new HoldfastError("LOST", "lost"), "cause")).toBe(false);
  });

  it("names its class in the stack, in inspect and as text, also when extended", () => {
    expect(String(new HoldfastError("LOST", "lost"))).toBe("HoldfastError: lost");
    const error = new LeaseError("LOST", "lost");
    expect(String(error)).toBe("LeaseError: lost");
    expect(error.stack).toMatch(/^LeaseError: lost\n/);
    expect(inspect(error)).toMatch(/^LeaseError: lost\n[\s\S]*code: 'LOST'/);
    expect(error).toBeInstanceOf(HoldfastError);
  });

  it("keeps one own enumerable property: its code", () => {
    expect(Object.keys(new LeaseError("LOST", "lost"))).toEqual(["code"]);
  });

  it("narrows by code", () => {
    expectTypeOf<LeaseError["code"]>().toEqualTypeOf<"LOST" | "TAKEN">();
    expectTypeOf<HoldfastError["code"]>().toEqualTypeOf<string>();
    expectTypeOf<LeaseError>().toExtend<HoldfastError>();
    expectTypeOf<CoreErrorCode>().toEqualTypeOf<"INVALID_DURATION" | "INVALID_RATE" | "INVALID_BYTES">();
  });

  it("is what core itself throws", () => {
    expect(() => parseDuration("soon")).toThrow(HoldfastError);
  });
});
