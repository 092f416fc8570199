// Starts the other side.

import { fork } from "node:child_process";
import { join } from "node:path";

export interface KeepAliveServer extends Disposable {
  readonly url: string;
}

export async function startKeepAliveServer(): Promise<KeepAliveServer> {
  const child = fork(join(import.meta.dirname, "keep-alive-server.ts"), { execArgv: [] });
  const port = await new Promise<number>((resolve, reject) => {
    child.once("message", (message) => resolve(message as number));
    child.once("error", reject);
  });
  return {
    url: `http://127.0.0.1:${port}/v1/users/7?fields=all`,
    [Symbol.dispose]: () => child.disconnect(),
  };
}
