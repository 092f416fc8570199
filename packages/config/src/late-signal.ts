// An AbortController that comes into being when its signal is first looked at: Node takes longer to load the class than
// the whole of a load from process.env takes, and that source never looks.

export interface LateSignal {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
}

export function createLateSignal(): LateSignal {
  let controller: AbortController | undefined;
  let ended: { readonly reason: unknown } | undefined;
  return {
    get signal() {
      controller ??= new AbortController();
      if (ended) controller.abort(ended.reason);
      return controller.signal;
    },
    abort(reason) {
      ended ??= { reason };
      controller?.abort(reason);
    },
  };
}
