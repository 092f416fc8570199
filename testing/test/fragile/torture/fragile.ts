// Breaks in about one run of ten, by its seed alone.

import type { Torture } from "@holdfast/testing/torture";

export const torture: Torture = {
  name: "fragile",
  sample: 20,
  async run(random, { log }) {
    const drawn = random.int(1, 10);
    log(`drew ${drawn}`);
    if (drawn === 10) throw new Error(`broke with ${random.int(0, 1_000_000)}`);
  },
};
