// pnpm smoke URL [--dashboard ID] [--tolerance 5s] [--endpoint PATH] [--exchange PATH] [--metrics PATH]
// Ten scenarios against a running service that embeds dashboards. EMBED_API_KEY or EMBED_ADMIN_TOKEN says who asks.

import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import { runScenarios } from "./smoke/run.ts";
import { createService, type ServiceOptions } from "./smoke/service.ts";

const results = await runScenarios(createService(readOptions()), ({ name, problem }) => {
  console.log(problem === undefined ? `ok      ${name}` : `FAILED  ${name}\n        ${problem}`);
});
const failed = results.filter(({ problem }) => problem !== undefined).length;
console.log(`${results.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function readOptions(): ServiceOptions {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        dashboard: { type: "string", default: "smoke" },
        tolerance: { type: "string", default: "5s" },
        endpoint: { type: "string", default: "/api/embed/token" },
        exchange: { type: "string", default: "/embed/session" },
        metrics: { type: "string", default: "/metrics" },
      },
    });
    const [url] = positionals;
    if (url === undefined || URL.parse(url) === null)
      throw new Error("Say which service: pnpm smoke http://localhost:3000");
    const seconds = /^(\d{1,2})s$/.exec(values.tolerance)?.[1];
    if (seconds === undefined) throw new Error("--tolerance takes seconds, such as 5s");
    const { EMBED_API_KEY: apiKey, EMBED_ADMIN_TOKEN: adminToken } = process.env;
    if (!apiKey && !adminToken) {
      throw new Error("Set EMBED_API_KEY, or EMBED_ADMIN_TOKEN, to one that may have tokens made");
    }
    const credentials: Record<string, string> = apiKey
      ? { "x-api-key": apiKey }
      : { authorization: `Bearer ${adminToken}` };
    return { ...values, url, credentials, toleranceMs: Number(seconds) * 1000, wait: (ms) => wait(ms) };
  } catch (error) {
    console.error((error as Error).message);
    process.exit(1);
  }
}
