// The yardstick: the least that a token bucket by key can be, a Map and arithmetic. It never forgets a key.

/** What it is called in results, and what stands there in the place of a version. */
export const MAP = "bare-map";
export const MAP_SOURCE = "of 12 lines";

interface Bucket {
  tokens: number;
  at: number;
}

/** Whether the key may pass. `burst` tokens a key, `perMs` of them back each millisecond. */
export function mapBucket(burst: number, perMs: number): (key: string) => boolean {
  const buckets = new Map<string, Bucket>();
  return (key) => {
    const now = Date.now();
    let bucket = buckets.get(key);
    if (bucket === undefined) {
      bucket = { tokens: burst, at: now };
      buckets.set(key, bucket);
    }
    bucket.tokens = Math.min(burst, bucket.tokens + (now - bucket.at) * perMs);
    bucket.at = now;
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  };
}
