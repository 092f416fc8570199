import { Agent } from "node:http";
import got from "got";
import { reportSpeed } from "./speed.ts";

await reportSpeed((url) => {
  const client = got.extend({ agent: { http: new Agent({ keepAlive: true }) } });
  return () => client.get(url).json();
});
