// Which of two ids, numbers or times comes first.

/** Whole numbers of any length by value; else by UTF-16 units, which is right for times of ISO 8601 in one form, ULIDs and UUIDs of version 7. */
export function compareValues(a: string, b: string): number {
  if (/^\d+$/.test(a) && /^\d+$/.test(b)) {
    const [x, y] = [BigInt(a), BigInt(b)];
    return x < y ? -1 : Number(x > y);
  }
  return a < b ? -1 : Number(a > b);
}

export function laterOf(a: string | null, b: string): string {
  return a === null || compareValues(b, a) > 0 ? b : a;
}
