// The file that stands, read, and held open until another has taken its place. Whoever lets go of a file that has no name any more waits until
// the disk has freed what it took, which may take as long as a sync. Here the thread pool does, and nobody waits for it.

import { close, closeSync, constants, openSync, readFileSync } from "node:fs";
import { type Replaced, targetOf } from "./durable-write.ts";
import { undefinedIfMissing } from "./file-error.ts";
import { readIfThere } from "./standing.ts";

export interface HeldFile extends Replaced {
  readonly text: string;
}

/** Undefined where there is none. */
export function holdIfThere(path: string): HeldFile | undefined {
  // Windows replaces no file that is open.
  if (process.platform === "win32") return readAndLetGo(path);
  const opened = openIfThere(path);
  if (opened === undefined) return undefined;
  const { file, target } = opened;
  let isHeld = true;
  const letGo = (): void => {
    if (isHeld) closeLater(file);
    isHeld = false;
  };
  try {
    return { text: readFileSync(file, "utf8"), target, letGo };
  } catch (error) {
    letGo();
    throw error;
  }
}

function readAndLetGo(path: string): HeldFile | undefined {
  const text = readIfThere(path);
  return text === undefined ? undefined : { text, target: targetOf(path), letGo() {} };
}

interface Opened {
  readonly file: number;
  readonly target: string;
}

function openIfThere(path: string): Opened | undefined {
  try {
    return open(path);
  } catch (error) {
    return undefinedIfMissing(error as NodeJS.ErrnoException);
  }
}

/** Looks for a link only where the system refuses to open what is there without one. */
function open(path: string): Opened {
  try {
    return { file: openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW), target: path };
  } catch (error) {
    const target = targetOf(path);
    if (target === path) throw error;
    return { file: openSync(target, "r"), target };
  }
}

/** Where the event loop does not turn, as in a script that only saves, nobody hears that a file is closed, and each takes a kilobyte or two until then. */
const MOST_UNHEARD = 4096;
let unheard = 0;

function closeLater(file: number): void {
  if (unheard === MOST_UNHEARD) {
    closeSync(file);
    return;
  }
  unheard++;
  close(file, () => unheard--);
}
