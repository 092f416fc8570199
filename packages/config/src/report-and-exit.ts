// The end of a service that was started with a configuration it can't run with.

import { ConfigError } from "./config-error.ts";
import { formatReport } from "./report.ts";

/** EX_CONFIG of BSD's sysexits.h: something was found in an unconfigured or misconfigured state. */
export const EX_CONFIG = 78;

/**
 * For `await loadConfig(schema).catch(reportAndExit)`: writes the report to standard error, laid out on a terminal and as
 * one line of JSON elsewhere, and exits with 78. Any other error is thrown on.
 */
export function reportAndExit(error: unknown): never {
  if (!(error instanceof ConfigError) || error.code !== "CONFIG_INVALID") throw error;
  const { isTTY, columns } = process.stderr;
  const text = isTTY ? formatReport(error.problems, terminalStyle(columns)) : JSON.stringify(error);
  writeAll(`${text}\n`);
  process.exit(EX_CONFIG);
}

/** Colour on a terminal that wants it (https://no-color.org); lines that are neither cramped nor hard to follow. */
export function terminalStyle(columns = 96): { width: number; colour: boolean } {
  return { width: Math.min(Math.max(columns, 60), 100), colour: !process.env["NO_COLOR"] };
}

// Past the stream, whose buffer process.exit would drop. A full pipe that does not block is given a second to drain.
function writeAll(text: string): void {
  const { writeSync } = process.getBuiltinModule("node:fs");
  let rest = Buffer.from(text);
  for (let waits = 0; rest.length > 0 && waits < 100; ) {
    try {
      rest = rest.subarray(writeSync(2, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return;
      waits++;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}
