// What is written once and run in either of two ways: later, where what takes time is awaited, or now, where the process stands still for it.

/** Something that takes time, in both ways. */
export interface Step {
  now(): unknown;
  later(): Promise<unknown>;
}

/** The run of a function that takes time. Between its steps it does what takes none. */
export type Steps<T> = Generator<Step, T, unknown>;

export function* step<T>(now: () => T, later: () => Promise<T>): Steps<T> {
  return (yield { now, later }) as T;
}

export function runNow<T>(steps: Steps<T>): T {
  let turn = steps.next();
  while (!turn.done) {
    let result: unknown;
    try {
      result = turn.value.now();
    } catch (error) {
      turn = steps.throw(error);
      continue;
    }
    turn = steps.next(result);
  }
  return turn.value;
}

export async function runLater<T>(steps: Steps<T>): Promise<T> {
  let turn = steps.next();
  while (!turn.done) {
    let result: unknown;
    try {
      result = await turn.value.later();
    } catch (error) {
      turn = steps.throw(error);
      continue;
    }
    turn = steps.next(result);
  }
  return turn.value;
}
