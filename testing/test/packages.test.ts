import { expect, test } from "vitest";
import { choose, published, tool, vitestProjects } from "../src/vitest.ts";

test("a package without servers has one project", () => {
  expect(vitestProjects(published("core")).map(({ test }) => test?.name)).toEqual(["core"]);
});

test("a package with servers has a second project for them, and only that starts any", () => {
  const [unit, servers] = vitestProjects(published("limits", { servers: ["redis"] }));
  expect(unit?.test).toMatchObject({ name: "limits", exclude: ["**/*.server.test.ts"] });
  expect(unit?.test?.globalSetup).toBeUndefined();
  expect(servers?.test).toMatchObject({ name: "limits:servers", provide: { servers: ["redis"] } });
});

test("chooses one by its name, or all", () => {
  const packages = [published("core"), tool("testing")];
  expect(choose(packages, "testing")).toEqual([packages[1]]);
  expect(choose(packages, undefined)).toEqual(packages);
});

test("an unknown name is an error that lists those there are", () => {
  expect(() => choose([published("core"), tool("testing")], "cores")).toThrow(
    "There is no package cores. There are: core, testing",
  );
});
