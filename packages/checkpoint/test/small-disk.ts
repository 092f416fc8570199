// A disk that is soon full, for a child process of its own.

import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";

/**
 * Runs the file with `folder` and `args`, in a mount namespace of its own, where a new disk is mounted on the folder; it goes with the namespace.
 * Resolves to what it printed, each line as JSON.
 */
export async function onSmallDisk(
  file: string,
  folder: string,
  kilobytes: number,
  args: readonly string[],
): Promise<unknown[]> {
  const script = `mount -t tmpfs -o size=${kilobytes}k tmpfs "$1" && folder=$1 && node=$2 && file=$3 && shift 3 && exec "$node" "$file" "$folder" "$@"`;
  const command = ["--map-root-user", "--mount", "sh", "-c", script, "sh", folder, process.execPath, file, ...args];
  const run = spawn("unshare", command, { stdio: ["ignore", "pipe", "pipe"] });
  const [out, err] = await Promise.all([text(run.stdout), text(run.stderr)]);
  if (out === "") throw new Error(`a small disk needs util-linux's unshare, and leave to use it: ${err}`);
  return out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}
