// What each library is asked to do, and the process of its own in which it does it.

import { report } from "../harness-process.ts";
import { processorMs } from "../processor-time.ts";
import { type Environment, environment, mistypedSecrets } from "./environment.ts";

/** A library's configuration of one service. Reads and validates an environment; throws what the library throws. */
export type Load = (from: Environment) => unknown;

/** Both import the library when they are called, so that its import can be timed. */
export interface Library {
  /** Declares the 25 variables. */
  service(): Promise<Load>;
  /** Declares the nine secrets, as secret as the library can have them. */
  secrets(): Promise<Load>;
}

/** What a library's file does where it is the main one: starts a service, or what the argument says. */
export async function runLibrary(library: Library): Promise<void> {
  if (process.argv[2] === "secrets") await showMistyped(library);
  else if (process.argv[2] === "again") await loadAgain(library);
  else await start(library);
}

/** By itself in its process: two libraries in one change each other's speed by up to half, through what V8 learns of zod. */
async function loadAgain({ service }: Library): Promise<void> {
  const load = await service();
  for (let warmUp = 0; warmUp < 5000; warmUp++) await load(environment);
  const loads = 10_000;
  const processorStart = processorMs();
  for (let count = 0; count < loads; count++) await load(environment);
  report({ again: loads / ((processorMs() - processorStart) / 1000) });
}

async function start({ service }: Library): Promise<void> {
  const wallStart = performance.now();
  const processorStart = processorMs();
  const load = await service();
  await load(environment);
  report({ processor: processorMs() - processorStart, wall: performance.now() - wallStart });
}

/** Prints what the library itself prints, then its error as Node prints one that nobody caught, and as a JSON log has it. */
async function showMistyped({ secrets }: Library): Promise<void> {
  const load = await secrets();
  try {
    await load(Object.fromEntries(mistypedSecrets.map(({ variable, value }) => [variable, value])));
  } catch (error) {
    console.error(error);
    console.error(JSON.stringify(error));
  }
}
