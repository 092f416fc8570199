// Writes its argument in three steps, so that a test can see how far it came.

import { appendFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { step } from "@holdfast/testing/step";

const { GREETING = "done" } = process.env;
const [file = ""] = process.argv.slice(2);
step("before-write");
appendFileSync(file, "written\n");
step("after-write");
await wait(1);
appendFileSync(file, `${GREETING}\n`);
step("after-write");
console.log("the end");
