// The file that stood before the last change, kept under a second name beside the one that stands: what is left where the disk has spoilt that.

import { existsSync, linkSync, unlinkSync } from "node:fs";

/** What becomes of the previous file when another is about to take the place of `target`. */
export type PreviousRule = (target: string) => void;

export function previousOf(target: string): string {
  return `${target}.bak`;
}

/** What stands becomes the previous one. The two names are of one file until the first is given to another. */
export const keepPrevious: PreviousRule = (target) => {
  dropPrevious(target);
  if (existsSync(target)) linkSync(target, previousOf(target));
};

export const dropPrevious: PreviousRule = (target) => {
  if (existsSync(previousOf(target))) unlinkSync(previousOf(target));
};

/** For a change of the lease alone: one is kept where there was one. */
export const updatePrevious: PreviousRule = (target) => {
  if (existsSync(previousOf(target))) keepPrevious(target);
};
