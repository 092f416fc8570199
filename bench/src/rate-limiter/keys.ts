// Keys as requests bring them: each a new string, of which nothing is known yet, neither its hash nor its twin in a table.

/** One of `count` keys by chance at each call, so that no order helps a cache; the same ones in each process. */
export function keysByChance(count: number): () => string {
  const next = chance();
  return () => keyOf(next() % count);
}

/** Each of `count` keys once, in an order of chance. */
export function keysOnce(count: number): (index: number) => string {
  const next = chance();
  const numbers = Int32Array.from({ length: count }, (_, number) => number);
  for (let last = count - 1; last > 0; last--) {
    const other = next() % (last + 1);
    [numbers[last], numbers[other]] = [numbers[other] as number, numbers[last] as number];
  }
  return (index) => keyOf(numbers[index] as number);
}

function keyOf(number: number): string {
  return `user:${1_000_000 + number}`;
}

/** The generator of Numerical Recipes, without its lowest bits, which are not very random. */
function chance(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return state >>> 8;
  };
}
