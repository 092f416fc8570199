// pnpm screenshots
// Makes the pictures in docs/images anew: the browser test of embed-token takes them where it has seen what they show.

import { join } from "node:path";
import { createVitest } from "vitest/node";

const WORKSPACE = join(import.meta.dirname, "..");

const vitest = await createVitest("test", { project: ["embed-token:servers"], root: WORKSPACE, watch: false });
vitest.provide("screenshots", join(WORKSPACE, "docs/images"));
await vitest.start(["browser.server"]);
await vitest.close();
