// Comes to one step, then fails.

import { step } from "@holdfast/testing/step";

step("only");
throw new Error("as planned");
