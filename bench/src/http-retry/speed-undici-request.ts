import { Agent, request } from "undici";
import { reportSpeed } from "./speed.ts";

// With nothing on at all.
await reportSpeed((url) => {
  const dispatcher = new Agent();
  return async () => (await request(url, { dispatcher })).body.json();
});
