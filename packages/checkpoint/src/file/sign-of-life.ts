// What tells a dead process from a living one of another container, whose number means nothing here: a socket that it listens on, in the
// folder that both share. The kernel stops listening when the process is over, and not before, however long it sleeps.

import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { type Steps, step } from "../steps.ts";
import { lifeOf, type Owner } from "./owner.ts";

/** Most systems take no longer path for a socket, and cut off the rest of it without a word. */
const MOST_PATH_BYTES = 100;

export function socketOf(folder: string, token: string): string {
  return join(folder, `${token}.socket`);
}

/** Undefined where the folder has no room for a socket. It does not keep the process alive, and removes its file when it is closed. */
export function listenAt(path: string): Server | undefined {
  if (process.platform === "win32" || Buffer.byteLength(path) > MOST_PATH_BYTES) return undefined;
  const server = createServer((connection) => connection.destroy()).unref();
  server.on("error", () => {});
  // A path is listened at by the time that this returns; a worker of a cluster would ask its primary first.
  server.listen({ path, exclusive: true });
  return server.listening ? server : undefined;
}

/** True only if it is certain, which what is asked now, and not later, is less often. */
export function* isOver(owner: Owner, own: Owner, folder: string): Steps<boolean> {
  const life = lifeOf(owner, own);
  if (life !== "untold") return life === "over";
  // What another kernel listens to is not seen here.
  const isSameKernel = owner.boot !== null && owner.boot === own.boot;
  if (!isSameKernel || !owner.listens) return false;
  return yield* step(
    () => false,
    () => isRefused(socketOf(folder, owner.token)),
  );
}

/** Whether there is a socket that nobody listens on. A process that sleeps is connected to all the same. */
function isRefused(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(path);
    connection.on("connect", () => {
      connection.destroy();
      resolve(false);
    });
    connection.on("error", (error: NodeJS.ErrnoException) => resolve(error.code === "ECONNREFUSED"));
  });
}
