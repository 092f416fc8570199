// Waiting that an AbortSignal ends. What was asked for goes on by itself.

/** Settles as `promise` does, or rejects with the signal's reason as soon as it aborts, after `onAbort`. Leaves no listener. */
export function unlessAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  onAbort?: () => void,
): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      onAbort?.();
      reject(signal.reason);
    };
    const stopListening = (): void => signal.removeEventListener("abort", abort);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    promise.finally(stopListening).then(resolve, reject);
  });
}
