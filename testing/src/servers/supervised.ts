// A server as a child process that cannot outlive the process that started it, however hard that one dies.

import { spawn } from "node:child_process";
import { once } from "node:events";

/**
 * Between the test process and the server stands a shell, and beside the server a watcher that reads the names of signals
 * from the test process. When the server ends, so does the shell. When the test process dies, the kernel closes the pipe
 * that the watcher reads: it then kills the server and deletes its folder.
 */
const SUPERVISOR = `
folder=$1; shift
exec 3<&0 </dev/null
"$@" 3<&- >>"$folder/log" 2>&1 &
server=$!
(
  exec >/dev/null 2>&1
  while read -r signal <&3 && [ "$signal" != KILL ]; do kill -"$signal" "$server"; done
  # Its children too, as in a crash of the machine: a busy Postgres session would go on writing for a while. First stop
  # it, so that it makes no more of them. Linux lists them in /proc; elsewhere pgrep does.
  kill -STOP "$server"
  children=$(cat "/proc/$server/task/$server/children" || pgrep -P "$server")
  [ "$signal" ] || kill -KILL $$
  kill -KILL $children "$server"
  [ "$signal" ] || rm -rf "$folder" || { sleep 1; rm -rf "$folder"; }
) &
watcher=$!
exec 3<&-
echo "$server"
wait "$server"
kill -KILL "$watcher"
wait "$watcher"
`;

export interface User {
  readonly uid: number;
  readonly gid: number;
}

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
}

/** A process that was started. */
export interface Supervised {
  readonly pid: number;
  isRunning(): boolean;
  /** Resolves when it has ended by itself. */
  ended(): Promise<void>;
  /** Sends it the signal, and resolves when it has ended. May be repeated. */
  end(signal: NodeJS.Signals): Promise<void>;
}

/** How long a server may take to end in order before it is killed. */
const ORDERLY_END_MS = 10_000;

/** Starts a command whose output goes to `folder/log`. The folder is deleted if this process dies while the command runs. */
export async function supervise(command: Command, folder: string, user?: User): Promise<Supervised> {
  const { PATH } = process.env;
  const shell = spawn("/bin/sh", ["-c", SUPERVISOR, "sh", folder, command.file, ...command.args], {
    stdio: ["pipe", "pipe", "ignore"],
    // Out of reach of a Ctrl-C in the terminal: whoever started a server ends it.
    detached: true,
    cwd: folder,
    env: { PATH, LC_ALL: "C" },
    ...user,
  });
  // A signal sent to what has just ended by itself goes nowhere.
  shell.stdin.on("error", () => {});
  await once(shell, "spawn");
  const exit = once(shell, "exit");
  const [line] = (await once(shell.stdout, "data")) as [Buffer];
  shell.stdout.destroy();
  // A process that forgot to stop its servers may end all the same, and they with it.
  shell.unref();

  const isRunning = (): boolean => shell.exitCode === null && shell.signalCode === null;
  const ended = async (): Promise<void> => {
    if (!isRunning()) return;
    shell.ref();
    await exit;
  };
  const send = (signal: NodeJS.Signals): unknown => shell.stdin.write(`${signal.slice("SIG".length)}\n`);
  return {
    pid: Number(line.toString()),
    isRunning,
    ended,
    async end(signal) {
      if (!isRunning()) return;
      send(signal);
      const timer = setTimeout(send, ORDERLY_END_MS, "SIGKILL");
      await ended();
      clearTimeout(timer);
    },
  };
}
