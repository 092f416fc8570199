// What is saved: a cursor as streams have them, 200 bytes of JSON.

interface Cursor {
  readonly after: string;
  readonly seen: readonly string[];
  readonly count: number;
}

let count = 0;

/** A new one each time, as each save of a stream is. */
export function nextCursor(): Cursor {
  count++;
  const id = (back: number): string => `1${String(1_000_000_000 + count - back).padStart(18, "0")}`;
  return { after: id(0), seen: [id(1), id(2), id(3), id(4), id(5), id(6)], count };
}
