// Random requests, by every way into the package, to servers that misbehave at random, aborted at random times.

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Torture } from "@holdfast/testing/torture";
import { startScriptedServer } from "../src/testing.ts";
import { type Hop, planCall, playCall } from "./http-retry/calls.ts";
import { type FaceName, faces } from "./http-retry/faces.ts";
import { checkCall, checkNothingLeft } from "./http-retry/invariants.ts";
import { countingClock, randomOptions } from "./http-retry/requests.ts";

/** Told by undici, synchronously, whenever a request is handed to it: the start of an attempt. */
const ATTEMPTS = "undici:request:create";

const hops = new Map<string, Hop>();
let clock = countingClock();
let runs = 0;

function noteAttempt(message: unknown): void {
  const { path } = (message as { readonly request: { readonly path: string } }).request;
  hops.get(path)?.attempts.push({ at: performance.now(), decidedAt: clock.read });
}

export const torture: Torture = {
  name: "whatever the server does, a call ends in time, rightly or with an error that says why",
  sample: 20,

  async setUp() {
    subscribe(ATTEMPTS, noteAttempt);
  },

  async tearDown() {
    unsubscribe(ATTEMPTS, noteAttempt);
  },

  async run(random, { log }) {
    clock = countingClock();
    const name = random.pick(Object.keys(faces) as FaceName[]);
    const options = randomOptions(random, clock);
    log(`${name}, ${JSON.stringify(options)}`);
    await using server = await startScriptedServer((request) => hops.get(request.url)?.answer(request) ?? "reset");
    const face = faces[name](options);
    const run = runs++;
    const calls = Array.from({ length: random.int(1, 8) }, (_, call) =>
      planCall(random, name, server.origin, `/${run}/${call}`),
    );
    for (const {
      description,
      hops: { first, second },
    } of calls) {
      log(description);
      hops.set(first.path, first).set(second.path, second);
    }
    try {
      await Promise.all(calls.map((call) => playCall(face, call)));
      for (const call of calls) checkCall(call, name, options);
      await checkNothingLeft(face, server, clock, calls, name);
    } finally {
      hops.clear();
    }
  },
};
