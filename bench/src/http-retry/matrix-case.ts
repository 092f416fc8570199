// A case of the matrix: a server that misbehaves in one way, one or more calls to it, and what is right then.

import { type ReceivedRequest, type Script, type Step, startScriptedServer } from "@holdfast/http-retry/testing";
import type { Ask, Contestant, Entry, Settings, Told } from "./matrix-ask.ts";

export interface Case {
  readonly name: string;
  /** What a client must do, in a sentence. */
  readonly right: string;
  /** Whether other cases, or other contestants, at the same time would change what is measured. */
  readonly isAlone?: boolean | undefined;
  /** Resolves to what is wrong, in a few words, or to undefined. */
  run(entry: Entry): Promise<string | undefined>;
}

/** What was seen of one call. */
export interface Seen extends Told {
  readonly isSettled: boolean;
  readonly ms: number;
  readonly requests: readonly ReceivedRequest[];
  /** From the first request to the second. 0 where there is no second. */
  readonly waitMs: number;
}

/** What may be wrong, and whether it is; the first that is names the fault. */
export type Faults = readonly (readonly [fault: string, isThere: boolean])[];

interface Scene {
  readonly name: string;
  readonly right: string;
  /** Each call has these steps for itself. */
  readonly script: Script;
  readonly ask?: Omit<Ask, "url"> | undefined;
  readonly settings?: Settings | undefined;
}

/** Who has not answered after this long is waiting for something else than the server. */
const LIMIT_MS = 5000;

export function oneCall(scene: Scene & { readonly judge: (seen: Seen) => Faults }): Case {
  return manyCalls({ ...scene, calls: 1, judge: ([seen]) => (seen ? scene.judge(seen) : []) });
}

/** Calls at the same time, each to a path of its own. */
export function manyCalls(
  scene: Scene & {
    readonly calls: number;
    readonly isAlone?: boolean;
    /** Whether each call is a client's of its own. */
    readonly areSeparate?: boolean;
    readonly judge: (seen: readonly Seen[]) => Faults;
  },
): Case {
  const { name, right, script, ask, settings = {}, calls, isAlone, areSeparate } = scene;
  return {
    name,
    right,
    isAlone,
    async run(entry) {
      await using server = await startScriptedServer(forEachPath(script));
      const one = entry.create(settings);
      const contestants = Array.from({ length: calls }, () => (areSeparate ? entry.create(settings) : one));
      const told = await Promise.all(
        contestants.map((each, call) => askOnce(each, { ...ask, url: `${server.origin}/${call}` })),
      );
      for (const each of new Set([one, ...contestants])) await each.close?.();
      return firstFault(scene.judge(told.map((each, call) => seenOf(each, server.requests, `/${call}`))));
    },
  };
}

export function firstFault(faults: Faults): string | undefined {
  return faults.find(([, isThere]) => isThere)?.[0];
}

interface Timed extends Told {
  readonly isSettled: boolean;
  readonly ms: number;
}

/** Asks, and stops waiting at the limit. */
export async function askOnce(contestant: Contestant, ask: Ask, limitMs: number = LIMIT_MS): Promise<Timed> {
  const limit = AbortSignal.timeout(limitMs);
  const start = performance.now();
  const signal = ask.signal ? AbortSignal.any([ask.signal, limit]) : limit;
  const late = new Promise<undefined>((resolve) => limit.addEventListener("abort", () => resolve(undefined)));
  const told = await Promise.race([contestant.ask({ ...ask, signal }), late]);
  return { ...told, isSettled: told !== undefined && !limit.aborted, ms: performance.now() - start };
}

function seenOf(told: Timed, all: readonly ReceivedRequest[], path: string): Seen {
  const requests = all.filter(({ url }) => url === path);
  const [first, second] = requests;
  return { ...told, requests, waitMs: first && second ? second.receivedAt - first.receivedAt : 0 };
}

/** The script once for each path, so that calls at the same time do not take each other's steps. */
function forEachPath(script: Script): Step {
  const steps = Array.isArray(script) ? (script as readonly Step[]) : [script as Step];
  const counts = new Map<string, number>();
  return ({ url }) => {
    const count = counts.get(url) ?? 0;
    counts.set(url, count + 1);
    return steps[Math.min(count, steps.length - 1)] ?? {};
  };
}

export const OK = { body: "ok" } as const;

/** What most cases come to: tried again, then right. */
export const succeeds = ({ isSettled, requests, status, body, error }: Seen): Faults => [
  ["still waiting after 5 s", !isSettled],
  ["not tried again", requests.length < 2 && (error !== undefined || status !== 200)],
  ["fails", error !== undefined || status !== 200],
  ["another body", body !== "ok"],
];
