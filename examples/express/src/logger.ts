// The service's log: one line of JSON an event on standard output, for the platform to collect.

import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from "pino";

// Left to itself pino 10 writes later. A process.exit then puts lines out of order, and never ends (sonic-boom 4.2 tries its
// last write for ever) where whoever read the log has gone.
const standardOutput = (): DestinationStream => destination({ dest: 1, sync: true });

/** Starts at `info`; main sets the level when the configuration is there. */
export function createLogger(stream: DestinationStream = standardOutput()): Logger {
  return pino(
    {
      // A word for a number, a date for milliseconds: people read these lines at night.
      formatters: { level: (label) => ({ level: label }) },
      timestamp: stdTimeFunctions.isoTime,
    },
    stream,
  );
}
