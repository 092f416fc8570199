// What a source is called with. The signal comes into being when it is first looked at: Node takes longer to load the
// class of AbortController than a whole load from process.env takes, and that source never looks.

import type { Clock, Logger } from "@holdfast/core";
import type { SourceContext } from "./source.ts";

/** One call of one source. */
export class SourceCall implements SourceContext {
  readonly clock: Clock;
  readonly logger: Logger;
  #controller: AbortController | undefined;
  #ended: { readonly reason: unknown } | undefined;

  constructor(clock: Clock, logger: Logger) {
    this.clock = clock;
    this.logger = logger;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#ended) this.#controller.abort(this.#ended.reason);
    return this.#controller.signal;
  }

  /** Aborts the signal, now or as soon as it is looked at. */
  end(reason: unknown): void {
    this.#ended ??= { reason };
    this.#controller?.abort(reason);
  }
}
