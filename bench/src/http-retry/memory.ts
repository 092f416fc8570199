// Whether the client holds on to anything of its requests.

import { bytesPerKey } from "../harness.ts";
import { askTogether } from "./microseconds.ts";
import { startKeepAliveServer } from "./server.ts";
import { ours } from "./sides.ts";

const WARM_UP = 100_000;
const MILLION = 1_000_000;

/** Bytes that a request leaves behind, over a million of them, 64 at a time. */
export async function bytesLeftBehind(): Promise<number> {
  using server = await startKeepAliveServer();
  const ask = ours(server.url);
  await askTogether(ask, WARM_UP, 64);
  return bytesPerKey(MILLION, () => askTogether(ask, MILLION, 64));
}
