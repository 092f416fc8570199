// How long a client waits: by the server's word, and where the server says nothing.

import { type Case, type Faults, manyCalls, OK, oneCall, type Seen, succeeds } from "./matrix-case.ts";

/** A timer may fire a little early, and the server stamps a request when it reads it. */
const EARLY_MS = 10;
const DATE_EARLY_MS = 50;

/** Of several clients, since one whose delay is random may wait for a short time by chance. */
const CALLS = 16;
const AT_ONCE_MS = 100;
const SPREAD_MS = 300;

let dateMs = 0;

export const waitCases: readonly Case[] = [
  oneCall({
    name: "429, `Retry-After: 2`",
    right: "Asks again, after two seconds or more.",
    script: [{ status: 429, headers: { "retry-after": "2" } }, OK],
    judge: (seen) => [...succeeds(seen), ["asks too early", seen.waitMs < 2000 - EARLY_MS]],
  }),
  oneCall({
    name: "503, `Retry-After` with a date",
    right: "Asks again, not before that date.",
    script: [
      () => {
        dateMs = Math.ceil((Date.now() + 1000) / 1000) * 1000;
        return { status: 503, headers: { "retry-after": new Date(dateMs).toUTCString() } };
      },
      OK,
    ],
    judge: (seen) => {
      const secondMs = performance.timeOrigin + (seen.requests[1]?.receivedAt ?? 0);
      return [...succeeds(seen), ["asks too early", secondMs < dateMs - DATE_EARLY_MS]];
    },
  }),
  manyCalls({
    name: "503, `Retry-After` with a date that is past",
    right: "Asks again after a delay of its own: a clock that is wrong must not become a storm.",
    calls: CALLS,
    areSeparate: true,
    isAlone: true,
    script: [{ status: 503, headers: { "retry-after": "Wed, 01 Jan 2020 00:00:00 GMT" } }, OK],
    judge: backsOff,
  }),
  oneCall({
    name: "503, `Retry-After: 999999`",
    right: "Gives up at once and says so: nobody waits for eleven days, and to ask earlier is what the server forbade.",
    script: [{ status: 503, headers: { "retry-after": "999999" } }, OK],
    judge: givesUp,
  }),
  oneCall({
    name: "503, `Retry-After: 99999999`",
    right: "The same. It is more milliseconds than a timer of Node.js can hold, which then fires at once.",
    script: [{ status: 503, headers: { "retry-after": "99999999" } }, OK],
    judge: givesUp,
  }),
  oneCall({
    name: '429, `RateLimit: "default";r=0;t=2`',
    right: "Asks again, after two seconds or more.",
    script: [{ status: 429, headers: { ratelimit: '"default";r=0;t=2' } }, OK],
    judge: (seen) => [...succeeds(seen), ["asks too early", seen.waitMs < 2000 - EARLY_MS]],
  }),
  manyCalls({
    name: "Reset before the response, GET",
    right: "Asks again after a delay.",
    calls: CALLS,
    areSeparate: true,
    isAlone: true,
    script: ["reset", OK],
    judge: backsOff,
  }),
  manyCalls({
    name: "HEAD, 503",
    right: "Asks again after a delay.",
    calls: CALLS,
    areSeparate: true,
    isAlone: true,
    ask: { method: "HEAD" },
    script: [{ status: 503 }, {}],
    judge: (all) => backsOff(all.map((seen) => (seen.status === 200 ? { ...seen, body: "ok" } : seen))),
  }),
  manyCalls({
    name: "100 clients meet a 503 at the same time",
    right: "Their first retries are spread over 300 ms or more.",
    calls: 100,
    isAlone: true,
    areSeparate: true,
    script: [{ status: 503 }, OK],
    judge: (all) => {
      const waits = all.map(({ waitMs }) => waitMs).sort((a, b) => a - b);
      // Without the five at each end, which a busy machine may have held up.
      const spreadMs = (waits.at(-6) ?? 0) - (waits.at(5) ?? 0);
      return [...every(all, succeeds), ["all at once", spreadMs < SPREAD_MS]];
    },
  }),
  manyCalls({
    name: "100 calls meet nothing but 503",
    right: "Fewer than two requests a call: retries must not be what keeps a server down.",
    calls: 100,
    isAlone: true,
    settings: { baseDelayMs: 10 },
    script: { status: 503 },
    judge: (all) => {
      const requests = all.reduce((sum, seen) => sum + seen.requests.length, 0);
      const each = new Intl.NumberFormat("en", { maximumFractionDigits: 1 }).format(requests / all.length);
      return [
        ["still waiting after 5 s", all.some(({ isSettled }) => !isSettled)],
        [`${each} requests a call`, requests >= 2 * all.length],
      ];
    },
  }),
];

function backsOff(all: readonly Seen[]): Faults {
  const meanMs = all.reduce((sum, { waitMs }) => sum + waitMs, 0) / all.length;
  return [...every(all, succeeds), ["asks at once", meanMs < AT_ONCE_MS]];
}

function givesUp({ isSettled, requests, status }: Seen): Faults {
  return [
    ["asks before the time", requests.length > 1],
    ["waits", !isSettled],
    ["does not say 503", status !== 503],
  ];
}

function every(all: readonly Seen[], judge: (seen: Seen) => Faults): Faults {
  return all.flatMap(judge);
}
