import { type Logger as PinoLogger, pino } from "pino";
import { describe, expect, expectTypeOf, it } from "vitest";
import { type Logger, silentLogger } from "../src/index.ts";

const LEVELS = ["trace", "debug", "info", "warn", "error"] as const;

describe("Logger", () => {
  it("is fulfilled by a pino logger as it is", () => {
    const lines: string[] = [];
    const logger: Logger = pino({ level: "trace" }, { write: (line: string) => lines.push(line) });
    for (const level of LEVELS) logger[level]({ attempt: 2 }, "retrying");
    expect(lines.map((line) => JSON.parse(line))).toMatchObject(
      [10, 20, 30, 40, 50].map((level) => ({ level, attempt: 2, msg: "retrying" })),
    );
    expectTypeOf<PinoLogger>().toExtend<Logger>();
  });

  it("is fulfilled by a child logger", () => {
    const lines: string[] = [];
    const parent = pino({ level: "trace" }, { write: (line: string) => lines.push(line) });
    const child: Logger = parent.child({ job: "sync" });
    child.info({}, "started");
    expect(JSON.parse(lines[0]!)).toMatchObject({ job: "sync", msg: "started" });
  });

  it("has a silent form", () => {
    for (const level of LEVELS) expect(silentLogger[level]({}, "nothing")).toBeUndefined();
    expectTypeOf(silentLogger).toEqualTypeOf<Logger>();
  });
});
