import { retry } from "@holdfast/http-retry/interceptor";
import { Agent, request } from "undici";
import { EVERYTHING } from "./everything.ts";
import { reportSpeed } from "./speed.ts";

await reportSpeed((url) => {
  const dispatcher = new Agent().compose(retry(EVERYTHING));
  return async () => (await request(url, { dispatcher })).body.json();
});
