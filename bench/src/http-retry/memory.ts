// Whether the client holds on to anything of its requests.

import { createHttpClient } from "@holdfast/http-retry";
import { bytesPerKey } from "../harness.ts";
import { EVERYTHING } from "./everything.ts";
import { startKeepAliveServer } from "./server.ts";
import { askTogether } from "./speed.ts";

const WARM_UP = 100_000;
const MILLION = 1_000_000;

/** Bytes that a request leaves behind, over a million of them, 64 at a time. */
export async function bytesLeftBehind(): Promise<number> {
  using server = await startKeepAliveServer();
  await using client = createHttpClient(EVERYTHING);
  const ask = (): Promise<unknown> => client.get(server.url).json();
  await askTogether(ask, WARM_UP, 64);
  return await bytesPerKey(MILLION, () => askTogether(ask, MILLION, 64));
}
