// One connection: reads its requests, and answers them one after the other as their steps say.

import type { Socket } from "node:net";
import { type Clock, type Duration, parseDuration, sleep } from "@holdfast/core";
import { HttpRetryError } from "../errors.ts";
import { type OpenRequest, openRequest } from "./open-request.ts";
import { createRequestReader } from "./request-reader.ts";
import { responseBytes } from "./response-bytes.ts";
import type { Answer, Drip, RawAnswer, ReceivedRequest, Step } from "./step.ts";

export interface ConnectionOptions {
  readonly number: number;
  readonly clock: Clock;
  /** Takes a request whose headers are here, and gives it its number and its step. */
  admit(request: ReceivedRequest): { readonly number: number; readonly step: Step };
  fail(error: unknown): void;
}

export function serveConnection(socket: Socket, options: ConnectionOptions): void {
  const { clock } = options;
  const gone = new AbortController();
  let current: OpenRequest | undefined;
  let isOver = false;
  let turn: Promise<void> = Promise.resolve();

  const fail = (error: unknown): void => {
    options.fail(error);
    socket.resetAndDestroy();
  };
  const reader = createRequestReader({
    head(head) {
      const request = openRequest(head, options.number, clock.monotonic());
      current = request;
      const { number, step } = options.admit(request.facts);
      request.facts.number = number;
      // One after the other, also where a client sends the next request before it has its answer.
      turn = turn.then(() => serve(request, step)).catch(fail);
    },
    data: (chunk) => current?.add(chunk),
    end: () => current?.complete(),
  });
  // A client that ends its side has gone away: none waits for an answer on half a connection.
  const leave = (): void => {
    gone.abort();
    current?.lose();
  };
  socket.on("end", leave).on("close", leave).on("error", leave);
  socket.on("data", (chunk) => {
    if (isOver) return;
    try {
      reader.push(chunk);
    } catch (error) {
      fail(error);
    }
  });

  async function serve(request: OpenRequest, step: Step): Promise<void> {
    try {
      const chosen = await choose(step, request.facts);
      await request.received(chosen === "hang" ? undefined : chosen.afterRequestBytes);
      if (chosen === "hang") await aborted(gone.signal);
      else await answer(chosen, request.facts);
    } catch (error) {
      if (error !== gone.signal.reason) throw error;
    }
    request.facts.isAbandoned = gone.signal.aborted;
  }

  async function answer(answer: Answer | RawAnswer, request: ReceivedRequest): Promise<void> {
    const { delay = 0, cut, drip } = answer;
    const { head, body, endsConnection } = responseBytes(answer, request);
    const all = Buffer.concat([head, body]);
    const end = cut ? cut.afterBytes + (cut.of === "body" ? head.length : 0) : all.length;
    await pause(delay);
    for (const [index, piece] of pieces(all.subarray(0, end), head.length, drip).entries()) {
      if (index > 0) await pause(drip?.every ?? 0);
      await write(piece);
    }
    const afterwards = cut ? (cut.by ?? "reset") : (answer.afterwards ?? (endsConnection ? "close" : "keep"));
    if (afterwards === "keep") return;
    isOver = true;
    if (afterwards === "reset") socket.resetAndDestroy();
    else socket.end();
  }

  async function pause(duration: Duration): Promise<void> {
    gone.signal.throwIfAborted();
    const ms = parseDuration(duration);
    if (ms > 0) await sleep(ms, { clock, signal: gone.signal });
  }

  function write(piece: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      gone.signal.throwIfAborted();
      socket.write(piece, (error) => {
        if (!error) return resolve();
        leave();
        reject(gone.signal.reason);
      });
    });
  }
}

async function choose(step: Step, request: ReceivedRequest): Promise<Answer | RawAnswer | "hang"> {
  let chosen = step;
  while (typeof chosen === "function") chosen = await chosen(request);
  return chosen === "reset" ? { cut: { afterBytes: 0 } } : chosen;
}

/** The head, or what is left of it, in one piece unless it drips too. */
function pieces(bytes: Buffer, headLength: number, drip: Drip | undefined): Buffer[] {
  if (!drip) return bytes.length > 0 ? [bytes] : [];
  if (!(drip.bytes >= 1)) {
    throw new HttpRetryError("INVALID_OPTION", `drip.bytes is ${drip.bytes}; give 1 or more`);
  }
  const slices: Buffer[] = [];
  let at = 0;
  if (drip.of !== "response") {
    slices.push(bytes.subarray(0, headLength));
    at = headLength;
  }
  for (; at < bytes.length; at += drip.bytes) slices.push(bytes.subarray(at, at + drip.bytes));
  return slices;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
