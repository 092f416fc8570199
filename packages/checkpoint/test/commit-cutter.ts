// A proxy to Postgres that resets a connection at a COMMIT: before the server hears of it, or when the server says that it is done.

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface CommitCutter extends AsyncDisposable {
  /** As the server's, by way of the proxy. */
  readonly url: string;
}

/** @param nth of the COMMITs of all connections, from 1; the others pass */
export async function startCommitCutter(
  serverUrl: string,
  { nth, when }: { readonly nth: number; readonly when: "asked" | "answered" },
): Promise<CommitCutter> {
  const url = new URL(serverUrl);
  const target = { host: url.hostname, port: Number(url.port) };
  const clients = new Set<Socket>();
  let commits = 0;
  const server = createServer((client) => {
    const upstream = connect(target);
    clients.add(client);
    const cut = (): void => {
      client.resetAndDestroy();
      upstream.destroy();
    };
    let isAwaited = false;
    client.on("data", (chunk) => {
      const isChosen = chunk.includes("COMMIT\0") && ++commits === nth;
      if (isChosen && when === "asked") return cut();
      isAwaited ||= isChosen;
      upstream.write(chunk);
    });
    upstream.on("data", (chunk) => (isAwaited ? cut() : client.write(chunk)));
    client.on("error", () => {});
    client.on("close", () => {
      clients.delete(client);
      upstream.destroy();
    });
    upstream.on("close", () => client.destroy()).on("error", () => {});
  });
  server.listen(0, target.host);
  await once(server, "listening");
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const client of clients) client.destroy();
      await once(server, "close");
    },
  };
}
