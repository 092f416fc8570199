import { createHttpClient } from "@holdfast/http-retry";
import { EVERYTHING } from "./everything.ts";
import { reportSpeed } from "./speed.ts";

await reportSpeed((url) => {
  const client = createHttpClient(EVERYTHING);
  return async () => (await client.fetch(url)).json();
});
