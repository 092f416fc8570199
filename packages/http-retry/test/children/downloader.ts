// Downloads a URL into a file, and says so at every piece, so that a test can kill it there.

import { step } from "@holdfast/testing/step";
import { createHttpClient } from "../../src/index.ts";

const [url = "", file = ""] = process.argv.slice(2);
await using client = createHttpClient();
step("started");
await client.downloadTo(url, file, { onProgress: () => step("piece") });
step("done");
