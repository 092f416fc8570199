// One sync of a folder for all who have changed names in it before it began: of many that save at once, most need none of their own.

import { fstatSync, fsync } from "node:fs";

interface Round {
  readonly done: Promise<void>;
  /** Asked for since it began, and begun when it is done. */
  next: Promise<void> | undefined;
}

/** By the folder itself, since its path may lead to another by then. */
const rounds = new Map<string, Round>();

/** Syncs an open folder, which stays open until then. Rejects for all who share a sync that failed. */
export function syncShared(folder: number): Promise<void> {
  const { dev, ino } = fstatSync(folder);
  const id = `${dev} ${ino}`;
  const round = rounds.get(id);
  if (round === undefined) return begin(id, folder);
  const beginNext = (): Promise<void> => begin(id, folder);
  round.next ??= round.done.then(beginNext, beginNext);
  return round.next;
}

function begin(id: string, folder: number): Promise<void> {
  const done = called((settle) => fsync(folder, settle));
  const round: Round = { done, next: undefined };
  rounds.set(id, round);
  const end = (): void => {
    if (round.next === undefined) rounds.delete(id);
  };
  done.then(end, end);
  return done;
}

/** As util.promisify does it, which makes a function each time. */
export function called(call: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    call((error) => (error ? reject(error) : resolve()));
  });
}
