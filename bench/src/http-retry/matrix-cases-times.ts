// Servers that take their time, and callers who have none.

import { startScriptedServer } from "@holdfast/http-retry/testing";
import { askOnce, type Case, firstFault, OK, oneCall, succeeds } from "./matrix-case.ts";
import { hangWithoutOption } from "./matrix-hang.ts";

const TIMEOUT_MS = 500;
/** The request is answered, the answer has come, and the wait has begun. */
const INTO_THE_WAIT_MS = 300;
const ABORT_WITHIN_MS = 60;

export const timeCases: readonly Case[] = [
  oneCall({
    name: "GET hangs once, with a timeout of 500 ms",
    right: "Asks again.",
    script: ["hang", OK],
    settings: { timeoutMs: TIMEOUT_MS },
    judge: succeeds,
  }),
  oneCall({
    name: "POST hangs, with a timeout of 500 ms",
    right: "An error after one request: it may have been carried out.",
    script: ["hang", OK],
    ask: { method: "POST" },
    settings: { timeoutMs: TIMEOUT_MS },
    judge: ({ isSettled, requests, error }) => [
      ["posts twice", requests.length > 1],
      ["still waiting after 5 s", !isSettled],
      ["no error", error === undefined],
    ],
  }),
  {
    name: "GET hangs, with no option set",
    right: "Ends within a minute, by another try or by an error.",
    run: hangWithoutOption,
  },
  oneCall({
    name: "A body that drips for 3 s, with a timeout of 500 ms",
    right: "No try goes on for longer than a second, and the caller is told.",
    script: { body: "0123456789".repeat(3), drip: { bytes: 1, every: 100 } },
    settings: { timeoutMs: TIMEOUT_MS },
    judge: ({ isSettled, error, requests }) => [
      ["waits for all of it", isSettled && error === undefined],
      ["still in its first try after 5 s", !isSettled && requests.length < 2],
    ],
  }),
  {
    name: "Abort in the middle of a wait",
    right: "Ends at once, with the reason that the caller gave.",
    async run(entry) {
      await using server = await startScriptedServer({ status: 503, headers: { "retry-after": "3" } });
      const contestant = entry.create({});
      const abort = new AbortController();
      const reason = new Error("changed my mind");
      let abortedAt = Number.NaN;
      const cancel = setTimeout(() => {
        abortedAt = performance.now();
        abort.abort(reason);
      }, INTO_THE_WAIT_MS);
      const { error } = await askOnce(contestant, { url: server.origin, signal: abort.signal });
      const lateMs = performance.now() - abortedAt;
      clearTimeout(cancel);
      await contestant.close?.();
      return firstFault([
        ["ends before it", Number.isNaN(abortedAt)],
        ["ends late", lateMs > ABORT_WITHIN_MS],
        ["the reason is lost", !isOrHas(error, reason)],
        ["asks again", server.requests.length > 1],
      ]);
    },
  },
  {
    name: "Keep-alive connections that end unannounced after each response",
    right: "Twenty GETs in a row, all answered.",
    async run(entry) {
      await using server = await startScriptedServer({ ...OK, afterwards: "close" });
      const contestant = entry.create({});
      let failed = 0;
      for (let call = 0; call < 20; call++) {
        const { status } = await askOnce(contestant, { url: server.origin });
        if (status !== 200) failed++;
      }
      await contestant.close?.();
      return firstFault([[`${failed} fail`, failed > 0]]);
    },
  },
];

function isOrHas(error: unknown, reason: unknown): boolean {
  return error === reason || (error as { readonly cause?: unknown } | undefined)?.cause === reason;
}
