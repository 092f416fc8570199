// What people say on the made-up network, and the ids that it gets: a time and a number, in more digits than a double holds.

export interface TimelinePost {
  readonly id: bigint;
  readonly user: string;
  /** Null where it is withheld. */
  readonly text: string | null;
  readonly createdAt: Date;
}

const EPOCH = Date.UTC(2010, 10, 4);
const SAYINGS = [
  "Low tide at six.",
  "The kelp is back.",
  "Fog, and no ferry.",
  "New rope for the north pier.",
] as const;
/** One post in so many is withheld: a field that the documentation has as a text is null. */
const WITHHELD = 50;

let made = 0;

/** `number` counts the user's posts; ids are the network's, and no two are alike. */
export function makePost(user: string, number: number, createdAt: Date): TimelinePost {
  const id = (BigInt(createdAt.getTime() - EPOCH) << 22n) | BigInt(made++ % 2 ** 22);
  const text = number % WITHHELD === WITHHELD - 1 ? null : `${SAYINGS[number % SAYINGS.length]} (${number})`;
  return { id, user, text, createdAt };
}

/** As JSON; the id is a number in it, as such networks have it. */
export function toJson({ id, ...post }: TimelinePost): string {
  return `{"id":${id},${JSON.stringify(post).slice(1)}`;
}
