// What a process does just now.

import { readFile } from "node:fs/promises";

/** "T": it sleeps, stopped by SIGSTOP. By https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
export async function stateOf(pid: number | undefined): Promise<string | undefined> {
  return /\) (\w)/.exec(await readFile(`/proc/${pid}/stat`, "utf8"))?.[1];
}
