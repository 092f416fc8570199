// A value that can be handed around but not printed by accident.

const REDACTED = "[redacted]";

/**
 * Holds a secret so that string, JSON and `util.inspect` forms all read `[redacted]`; `reveal()` is the one way out.
 * The value sits in a private field: structured clone, object spread and `Object.entries` do not reach it either.
 *
 * @example
 * const key = new Secret(process.env.API_KEY ?? "");
 * console.log(`key is ${key}`); // key is [redacted]
 * sign(key.reveal());
 */
export class Secret<T = string> {
  static {
    // The registered symbol is what node:util documents for custom inspection where it can't be imported.
    Object.defineProperty(Secret.prototype, Symbol.for("nodejs.util.inspect.custom"), { value: () => REDACTED });
  }

  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  /** The value itself. Call it where the value is used, not where it is passed on. */
  reveal(): T {
    return this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.toPrimitive](): string {
    return REDACTED;
  }

  get [Symbol.toStringTag](): string {
    return "Secret";
  }
}
