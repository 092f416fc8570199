// The lease that a run works under, waited for only as long as nobody says stop.

import type { Checkpoints, WithLeaseOptions } from "../checkpoints.ts";
import type { Lease } from "../lease.ts";

export interface OwnLeaseOptions {
  readonly key: string;
  readonly checkpoints: Pick<Checkpoints<never>, "withLease">;
  readonly lease?: Omit<WithLeaseOptions, "signal"> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Ends the wait, and is nothing to the lease once it is had. */
  readonly stop?: AbortSignal | undefined;
}

/** Settles as the work does; resolves to undefined where it never began. */
export async function withOwnLease<T>(
  { key, checkpoints, lease, signal, stop }: OwnLeaseOptions,
  work: (lease: Lease) => Promise<T>,
): Promise<T | undefined> {
  if (stop?.aborted) return undefined;
  const waiting = new AbortController();
  const leave = (): void => waiting.abort();
  const stay = (): void => stop?.removeEventListener("abort", leave);
  stop?.addEventListener("abort", leave, { once: true });
  try {
    return await checkpoints.withLease(
      key,
      async (held) => {
        stay();
        return await work(held);
      },
      { ...lease, signal: signal ? AbortSignal.any([signal, waiting.signal]) : waiting.signal },
    );
  } catch (error) {
    if (waiting.signal.aborted && error === waiting.signal.reason) return undefined;
    throw error;
  } finally {
    stay();
  }
}
