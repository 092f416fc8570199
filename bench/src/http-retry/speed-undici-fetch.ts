import { Agent, fetch } from "undici";
import { reportSpeed } from "./speed.ts";

await reportSpeed((url) => {
  const dispatcher = new Agent();
  return async () => (await fetch(url, { dispatcher })).json();
});
