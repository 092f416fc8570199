import { describe, expect, it } from "vitest";
import { isIdempotent } from "../src/policy/methods.ts";

describe("an idempotent method", () => {
  it.each(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY"])("is %s", (method) => {
    expect(isIdempotent(method)).toBe(true);
  });

  it.each(["POST", "PATCH", "CONNECT", "LOCK", "", "get", "__proto__"])("is not %j", (method) => {
    expect(isIdempotent(method)).toBe(false);
  });
});
