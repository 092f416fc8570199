// What every test server is, and how one is started: a folder, a port, a process, and a question that it answers when ready.

import { execFileSync } from "node:child_process";
import { chownSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { freePort, LOOPBACK } from "./loopback.ts";
import { type Command, type Supervised, supervise, type User } from "./supervised.ts";

/** The servers that a package may name in vitest.config.ts. */
export type ServerName = "redis" | "redis-cluster" | "postgres" | "pgbouncer" | "chromium" | "s3rver";

/** A private server on a free loopback port, with its data in a temporary folder. It never outlives the process that started it. */
export interface Server extends AsyncDisposable {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Undefined while it is down. */
  readonly pid: number | undefined;
  /** Ends it in order and deletes its data. Repeating it does nothing. */
  stop(): Promise<void>;
  /** Ends it by SIGKILL, as a crash does. Its data stays. */
  kill(): Promise<void>;
  /** Starts it anew on the same port and the same data, ending it in order first if it runs; resolves when it answers. */
  restart(): Promise<void>;
}

/** How one kind of server is run. */
export interface Recipe {
  readonly name: string;
  url(port: number): string;
  /** Fills the new folder. */
  prepare?(folder: string, port: number): Promise<void> | void;
  command(folder: string, port: number): Command;
  isReady(port: number): Promise<boolean>;
  /** What makes it end in order without waiting for its clients. */
  readonly endSignal: NodeJS.Signals;
  /** Whom to run it as, where it refuses to run as root. */
  readonly user?: User | undefined;
}

const READY_DEADLINE_MS = 30_000;
const READY_STEP_MS = 20;
const PORT_ATTEMPTS = 3;

export async function startServer(recipe: Recipe): Promise<Server> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnPort(recipe, await freePort());
    } catch (error) {
      // Somebody else may take the port between our look and the server's.
      if (attempt === PORT_ATTEMPTS || !/address already in use/i.test(String(error))) throw error;
    }
  }
}

async function startOnPort(recipe: Recipe, port: number): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), `holdfast-${recipe.name}-`));
  if (recipe.user) chownSync(folder, recipe.user.uid, recipe.user.gid);
  let running: Supervised | undefined;

  const start = async (): Promise<void> => {
    running = await supervise(recipe.command(folder, port), folder, recipe.user);
    const deadline = performance.now() + READY_DEADLINE_MS;
    while (running.isRunning() && performance.now() < deadline) {
      // Asked again whether it runs: what answers on this port could be somebody else.
      if ((await recipe.isReady(port)) && running.isRunning()) return;
      await wait(READY_STEP_MS);
    }
    const what = running.isRunning() ? `did not answer within ${READY_DEADLINE_MS / 1000} s` : "ended while it started";
    await running.end("SIGKILL");
    throw new Error(`${recipe.name} ${what}. The end of its log:\n${logTail(folder)}`);
  };
  const server: Server = {
    url: recipe.url(port),
    host: LOOPBACK,
    port,
    get pid() {
      return running?.isRunning() ? running.pid : undefined;
    },
    async stop() {
      await running?.end(recipe.endSignal);
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
    kill: async () => running?.end("SIGKILL"),
    async restart() {
      await running?.end(recipe.endSignal);
      await start();
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
  try {
    await recipe.prepare?.(folder, port);
    await start();
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

function logTail(folder: string): string {
  try {
    return readFileSync(join(folder, "log"), "utf8").trimEnd().split("\n").slice(-20).join("\n");
  } catch {
    return "(none)";
  }
}

/** A user whom servers that refuse to run as root can be run as; undefined where we are not root. */
export function unprivilegedUser(): User | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ["postgres", "nobody"]) {
    try {
      const id = (flag: string): number =>
        Number(execFileSync("id", [flag, name], { encoding: "utf8", stdio: "pipe" }));
      return { uid: id("-u"), gid: id("-g") };
    } catch {
      // No such user: try the next.
    }
  }
  throw new Error("running as root, and there is neither a user postgres nor nobody to run the server as");
}
