// Clients of test servers, gone after each test.

import { connect } from "node:net";
import { Redis } from "ioredis";
import pg from "pg";
import { onTestFinished } from "vitest";

/** Waits for what is coming, and stops it when the test has finished. */
export async function own<T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> {
  const server = await starting;
  onTestFinished(() => server.stop());
  return server;
}

export function redis(url: string): Redis {
  const client = new Redis(url);
  // That servers go away is what these tests are about.
  client.on("error", () => {});
  onTestFinished(() => client.disconnect());
  return client;
}

export async function postgres(url: string): Promise<pg.Client> {
  const client = new pg.Client(url);
  client.on("error", () => {});
  onTestFinished(() => client.end().catch(() => {}));
  await client.connect();
  return client;
}

/** Whether nobody listens on the port. */
export function isClosed(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", () => resolve(true)).once("connect", () => resolve(socket.destroyed || !socket.destroy()));
  });
}
