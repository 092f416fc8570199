// Who holds a lock or writes a temporary file: a record that outlives its process, and what can be told of that process.

import { randomBytes } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

export interface Owner {
  /** Nobody else's, ever. */
  readonly token: string;
  readonly pid: number;
  /** When the process started, in ticks since the machine did: what tells it from a later one of the same number. Null: not known here. */
  readonly started: string | null;
  /** Which run of the machine. */
  readonly boot: string | null;
  /** Within which the number of the process means something; each container has its own. */
  readonly namespace: string | null;
  readonly machine: string;
  /** Whether it gives a sign of life: see sign-of-life.ts. */
  readonly listens: boolean;
}

export function thisProcess(): Owner {
  return {
    token: randomBytes(9).toString("hex"),
    pid: process.pid,
    started: showsThisNamespace() ? (processOf(process.pid)?.started ?? null) : null,
    boot: textOf("/proc/sys/kernel/random/boot_id"),
    namespace: linkAt("/proc/self/ns/pid"),
    machine: `${hostname()} ${textOf("/etc/machine-id") ?? ""}`.trim(),
    listens: false,
  };
}

/**
 * Whether the owner's process is over, as the owner `own` can tell. No time that has passed proves anything, since a process may sleep for as
 * long as it likes and then go on where it was.
 */
export function lifeOf(owner: Owner, own: Owner): "alive" | "over" | "untold" {
  if (owner.boot !== own.boot) {
    const isEarlierRun = owner.machine === own.machine && owner.boot !== null && own.boot !== null;
    return isEarlierRun ? "over" : "untold";
  }
  if (owner.boot === null && owner.machine !== own.machine) return "untold";
  if (owner.namespace !== own.namespace) return "untold";
  if (!isThere(owner.pid)) return "over";
  // Where /proc says nothing of us, it says nothing of others either.
  const process = own.started === null ? undefined : processOf(owner.pid);
  const isAnother = process && owner.started !== null && process.started !== owner.started;
  return process?.isOver || isAnother ? "over" : "alive";
}

export function describeOwner({ pid, machine }: Owner): string {
  return `process ${pid} on ${machine.split(" ")[0]}`;
}

export function parseOwner(text: string): Owner | undefined {
  try {
    const value = JSON.parse(text) as Partial<Record<keyof Owner, unknown>> | null;
    return isOwner(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isOwner(value: Partial<Record<keyof Owner, unknown>> | null): value is Owner {
  return (
    /^[0-9a-f]{18}$/.test(String(value?.token)) &&
    Number.isSafeInteger(value?.pid) &&
    [value?.started, value?.boot, value?.namespace].every((text) => text === null || typeof text === "string") &&
    typeof value?.machine === "string" &&
    typeof value.listens === "boolean"
  );
}

/** Also true for a process of another user, which /proc may hide. */
function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/** By /proc/PID/stat (https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html); undefined where there is none. */
function processOf(pid: number): { readonly started: string; readonly isOver: boolean } | undefined {
  // The second field is a name in brackets that may hold anything; those behind it are counted from 3.
  const fields = textOf(`/proc/${pid}/stat`)
    ?.replace(/^.*\) /s, "")
    .split(" ");
  const [state, threads, started] = [fields?.[0], fields?.[17], fields?.[19]];
  if (state === undefined || started === undefined) return undefined;
  // Killed, but nobody has taken note. A thread of it may still be inside a call that ends late, such as a rename.
  return { started, isOver: /[ZXx]/.test(state) && Number(threads) <= 1 };
}

/** /proc may be mounted from outside, where numbers are of other processes. */
function showsThisNamespace(): boolean {
  return linkAt("/proc/self") === String(process.pid);
}

function linkAt(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return null;
  }
}
