// pnpm test [package] [vitest arguments]
// Runs the tests of one package or of all, then a sample of their tortures, then the packages as their users get them.
// With vitest arguments (`pnpm test core -t "parses"`), it runs the tests that these select and nothing else.

import { join } from "node:path";
import { parseCLI, startVitest } from "vitest/node";
import { checkPacked } from "../testing/src/packed.ts";
import { anySeed, torturePackages } from "../testing/src/torture-runs.ts";
import { choose, type TestedPackage } from "../testing/src/vitest.ts";
import { packages } from "../vitest.config.ts";

const WORKSPACE = join(import.meta.dirname, "..");

type Packages = readonly TestedPackage[];

interface Count {
  readonly passed: number;
  readonly failed: number;
}

const { chosen, vitestArguments } = readArguments(process.argv.slice(2));
const steps = vitestArguments.length > 0 ? [runTests] : [runTests, torture, tryPacked];
let passed = 0;
let failed = 0;
for (const step of steps) {
  const count: Count = await step(chosen).catch((error: unknown) => {
    console.error(error);
    return { passed: 0, failed: 1 };
  });
  passed += count.passed;
  failed += count.failed;
}
if (passed + failed === 0) console.log("No test ran.");
console.log(`${passed} passed, ${failed} failed`);
// Not left to the event loop, which a test may have kept busy.
process.exit(passed > 0 && failed === 0 ? 0 : 1);

function readArguments(given: readonly string[]) {
  const isNamed = given[0] !== undefined && !given[0].startsWith("-");
  try {
    return { chosen: choose(packages, isNamed ? given[0] : undefined), vitestArguments: given.slice(isNamed ? 1 : 0) };
  } catch (error) {
    console.error((error as Error).message);
    process.exit(1);
  }
}

async function runTests(chosen: Packages): Promise<Count> {
  const { filter, options } = parseCLI(["vitest", "run", ...vitestArguments]);
  const project = chosen.flatMap(({ name }) => [name, `${name}:*`]);
  const vitest = await startVitest(filter, { project, ...options, root: WORKSPACE });
  const modules = vitest.state.getTestModules();
  const tests = modules.flatMap((module) => [...module.children.allTests()]);
  const states = tests.map((test) => test.result().state);
  // What fails outside of a test, such as a hook or an import, makes tests vanish rather than fail.
  const others = modules
    .flatMap((module) => [module, ...module.children.allSuites()])
    .flatMap((group) => group.errors());
  const unhandled = vitest.state.getUnhandledErrors();
  await vitest.close();
  const passed = states.filter((state) => state === "passed").length;
  const failed = states.filter((state) => state === "failed").length + others.length + unhandled.length;
  // Vitest has failures of its own, such as a coverage below its threshold, and tells of them by the exit code alone.
  return { passed, failed: failed === 0 && process.exitCode ? 1 : failed };
}

async function torture(chosen: Packages): Promise<Count> {
  const { tried, lost } = await torturePackages(chosen, { seed: anySeed() });
  return { passed: tried - lost, failed: lost };
}

async function tryPacked(chosen: Packages): Promise<Count> {
  const folders = chosen.filter(({ isPublished }) => isPublished).map(({ folder }) => folder);
  const checks = await checkPacked(WORKSPACE, folders);
  const problems = checks.filter(({ problem }) => problem !== undefined);
  for (const { name, problem } of problems) console.error(`${name}: ${problem}`);
  return { passed: checks.length - problems.length, failed: problems.length };
}
