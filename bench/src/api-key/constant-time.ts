// Whether the time of a refusal tells which byte of a digest was wrong: Welch's t of two classes of refusals in an order of chance, as
// in Reparaz, Balasch and Verbauwhede, "Dude, is my code constant time?" (2017), whose threshold of 4.5 is the goal. The same is done to
// a comparison that stops at the first byte that differs, to show that the method would see it.

import { createApiKeys, memoryKeyStore } from "@holdfast/api-key";
import { type Row, summarise } from "../harness.ts";

const TRIES = 100_000;
const ROUNDS = 9;
/** Not counted: the compiler is still at work. */
const FIRST_ROUNDS = 3;
// The slowest tries were interrupted by something else.
const SHARE_KEPT = 0.9;
const STOPPING = "a comparison that stops";

export async function constantTimeRows(): Promise<Row[]> {
  const ours = await refusals();
  const stopping = stoppingComparisons();
  const figures = Array.from({ length: FIRST_ROUNDS + ROUNDS }, () => ({
    ours: distinguish(ours),
    stopping: distinguish(stopping),
  })).slice(FIRST_ROUNDS);
  return [
    {
      name: `a wrong first byte told from a wrong last one, ${TRIES.toLocaleString("en")} tries each`,
      unit: "t",
      better: "lower",
      ours: summarise(figures.map((figure) => figure.ours)),
      goal: { of: "ours", atMost: 4.5 },
      peer: {
        name: STOPPING,
        version: "of 4 lines",
        value: summarise(figures.map((figure) => figure.stopping)),
        ratio: summarise(figures.map((figure) => figure.ours / figure.stopping)),
      },
    },
  ];
}

/** Puts in place what is wrong in its first byte (0) or in its last (1). */
type Spoil = (kind: 0 | 1) => void;

interface Target {
  readonly spoil: Spoil;
  refuse(): unknown;
}

/** One key, whose digest is changed where it lies, so that nothing but the place of the wrong byte differs. */
async function refusals(): Promise<Target> {
  const store = memoryKeyStore();
  const keys = createApiKeys({ prefix: "acme", store });
  const { text, key } = await keys.create({ name: "bench", owner: "bench" });
  const plain = text.reveal();
  const digest = store.findSync(key.id)?.digest;
  if (!digest) throw new Error("there is no digest");
  return { spoil: spoilerOf(digest), refuse: () => keys.verify(plain) };
}

function stoppingComparisons(): Target {
  const right = new Uint8Array(32).fill(7);
  const shown = new Uint8Array(right);
  const refuse = (): boolean => {
    for (let at = 0; at < right.length; at++) if (right[at] !== shown[at]) return false;
    return true;
  };
  return { spoil: spoilerOf(shown), refuse };
}

/** Writes all bytes for both kinds. */
function spoilerOf(bytes: Uint8Array): Spoil {
  const wrong = [bytes.with(0, (bytes[0] ?? 0) ^ 1), bytes.with(31, (bytes[31] ?? 0) ^ 1)] as const;
  return (kind) => bytes.set(wrong[kind]);
}

/** How clearly the two kinds differ: the absolute value of Welch's t. */
function distinguish({ spoil, refuse }: Target): number {
  const times: [number[], number[]] = [[], []];
  while (times[0].length < TRIES || times[1].length < TRIES) {
    const kind = Math.random() < 0.5 ? 0 : 1;
    spoil(kind);
    // Once before it counts: what was just written is slower to read.
    refuse();
    const start = performance.now();
    refuse();
    times[kind].push(performance.now() - start);
  }
  const all = times.flat().sort((a, b) => a - b);
  const longest = all[Math.floor(all.length * SHARE_KEPT)] ?? Number.POSITIVE_INFINITY;
  const [first, last] = times.map((kind) => moments(kind.filter((time) => time <= longest)));
  if (!first || !last) throw new Error("there are two kinds");
  return Math.abs(first.mean - last.mean) / Math.sqrt(first.variance / first.count + last.variance / last.count);
}

function moments(figures: readonly number[]): {
  readonly count: number;
  readonly mean: number;
  readonly variance: number;
} {
  const count = figures.length;
  const mean = figures.reduce((sum, figure) => sum + figure, 0) / count;
  const variance = figures.reduce((sum, figure) => sum + (figure - mean) ** 2, 0) / (count - 1);
  return { count, mean, variance };
}
