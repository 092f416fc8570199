// PgBouncer in transaction mode: a client's next transaction may run in another session of the server.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LOOPBACK } from "./loopback.ts";
import { answersPostgres } from "./postgres.ts";
import { findProgram } from "./programs.ts";
import { type Server, startServer, unprivilegedUser } from "./server.ts";

/** In front of a Postgres that is left running when this one is stopped. */
export function startPgBouncer(postgresUrl: string): Promise<Server> {
  const file = findProgram({
    names: ["pgbouncer"],
    debianPackage: "pgbouncer",
    homebrewFormula: "pgbouncer",
  });
  const ini = (folder: string): string => join(folder, "pgbouncer.ini");
  const behind = new URL(postgresUrl);
  return startServer({
    name: "pgbouncer",
    url: (port) => `postgres://postgres@${LOOPBACK}:${port}${behind.pathname}`,
    prepare: (folder, port) => writeFile(ini(folder), configuration(behind, port)),
    command: (folder) => ({ file, args: [ini(folder)] }),
    isReady: answersPostgres,
    endSignal: "SIGTERM",
    user: unprivilegedUser(),
  });
}

function configuration(behind: URL, port: number): string {
  const password = behind.password ? ` password=${decodeURIComponent(behind.password)}` : "";
  return `
[databases]
* = host=${behind.hostname} port=${behind.port || 5432} user=${decodeURIComponent(behind.username)}${password}

[pgbouncer]
listen_addr = ${LOOPBACK}
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
ignore_startup_parameters = extra_float_digits
`;
}
