// The shape of logger that every package takes: five of pino's methods, so that a pino logger fits as it is.

type Log = (fields: object, message: string) => void;

/** Takes structured fields first and a constant message second, as pino does. Call each as a method: pino's want their `this`. */
export interface Logger {
  readonly trace: Log;
  readonly debug: Log;
  readonly info: Log;
  readonly warn: Log;
  readonly error: Log;
}

const ignore: Log = () => {};

/** What every package logs to unless it is given a logger: nothing. */
export const silentLogger: Logger = { trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore };
