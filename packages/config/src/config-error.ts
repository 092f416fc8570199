// The error that holds every problem of a configuration at once, and none of its values.

import { HoldfastError } from "@holdfast/core";

/**
 * `CONFIG_INVALID`: what the sources gave does not fit the schema; `problems` says all that is wrong.
 * `SCHEMA_INVALID`: the schema or a rule itself is at fault; a mistake in the program.
 * `OPTION_INVALID`: an option of `watch` is out of its range.
 */
export type ConfigErrorCode = "CONFIG_INVALID" | "SCHEMA_INVALID" | "OPTION_INVALID";

/**
 * `missing`: no source has it. `invalid`: its schema refuses it. `weak`: a key that is no secret, in production.
 * `unreadable`: a source has it but can't read it. `conflict`: a source has it twice. `rule`: valid by itself, not
 * together with others. `source`: a source could not be asked.
 */
export type ProblemKind = "missing" | "invalid" | "weak" | "unreadable" | "conflict" | "rule" | "source";

/** One thing that is wrong. Nothing in it repeats a value. */
export interface Problem {
  readonly kind: ProblemKind;
  /** The variable; of a rule the first that it names; `undefined` for a source, and for a refinement of a whole object. */
  readonly variable?: string;
  /** The source that could not be asked. */
  readonly source?: string;
  /** What is wrong, as a clause that follows the name. */
  readonly message: string;
  readonly description?: string;
  readonly expected?: string;
  readonly example?: string;
  /** Where the refused value was found. */
  readonly origin?: string;
  /** Where a missing one was looked for. */
  readonly lookedIn: readonly string[];
  /** Names much like a missing one that are set, and that nothing declares. */
  readonly similar: readonly string[];
}

/** Its message is the report for people; `problems` and the JSON form are for programs and logs. */
export class ConfigError extends HoldfastError<ConfigErrorCode> {
  static {
    ConfigError.prototype.name = "ConfigError";
    // Node prints an error that nobody caught by inspecting it; the report once is enough.
    Object.defineProperty(ConfigError.prototype, Symbol.for("nodejs.util.inspect.custom"), {
      value(this: ConfigError) {
        return this.stack;
      },
    });
  }

  readonly problems: readonly Problem[];

  constructor(code: ConfigErrorCode, message: string, problems: readonly Problem[] = []) {
    super(code, message);
    this.problems = problems;
  }

  /** For a log: the problems, without the laid-out text. */
  toJSON(): { name: string; code: ConfigErrorCode; message: string; problems: readonly Problem[] } {
    const [summary = ""] = this.message.split("\n", 1);
    return { name: this.name, code: this.code, message: summary, problems: this.problems };
  }
}
