// Downloads a URL onto a disk that is too small for it, frees some space and downloads again. Prints both outcomes as JSON.

import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createHttpClient, type HttpRetryError } from "../../src/index.ts";

const [url = "", folder = ""] = process.argv.slice(2);
const file = join(folder, "file");
const filler = join(folder, "filler");
await using client = createHttpClient();
await writeFile(filler, Buffer.alloc(700_000));
const failure = await client.downloadTo(url, file).then(
  () => undefined,
  ({ code, message }: HttpRetryError) => ({ code, message }),
);
await rm(filler);
const { bytes, resumedFrom } = await client.downloadTo(url, file);
process.stdout.write(
  JSON.stringify({ failure, bytes, resumedFrom, content: (await readFile(file)).toString("base64") }),
);
