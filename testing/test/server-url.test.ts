import { serverUrl } from "@holdfast/testing";
import { expect, test } from "vitest";

test("a unit test has no servers, and is told where to name them", () => {
  expect(() => serverUrl("redis")).toThrow(
    "There is no redis here: name it in this package's line of vitest.config.ts",
  );
});
