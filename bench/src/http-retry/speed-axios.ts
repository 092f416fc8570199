import { Agent } from "node:http";
import axios from "axios";
import axiosRetry from "axios-retry";
import { reportSpeed } from "./speed.ts";

await reportSpeed((url) => {
  const client = axios.create({ httpAgent: new Agent({ keepAlive: true }) });
  axiosRetry(client);
  return async () => (await client.get(url)).data as unknown;
});
