// A listener of node:http on loopback, for tests of what answers HTTP.

import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";

export interface Site extends AsyncDisposable {
  readonly url: string;
}

export async function serve(listener: RequestListener): Promise<Site> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
