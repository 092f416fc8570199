// Random requests, and random options for who sends them.

import { Readable } from "node:stream";
import { type Clock, systemClock } from "@holdfast/core";
import type { Random } from "@holdfast/testing/torture";
import type { BodyInput, PolicyOptions } from "../../src/index.ts";
import type { FaceName, Reading } from "./faces.ts";

export const DEADLINE_MS = 250;

export function randomOptions(random: Random, clock: Clock): PolicyOptions {
  return {
    clock,
    random: random.float,
    retries: random.int(0, 5),
    baseDelay: random.int(1, 10),
    maxDelay: random.pick([10, 20, 1100]),
    jitter: random.pick(["full", "equal", "decorrelated", "none"]),
    attemptTimeout: random.pick([0, 25, 60]),
    bodyGapTimeout: random.pick([0, 25]),
    bodyTimeout: random.pick([0, 0, 60]),
    deadline: random.int(50, DEADLINE_MS),
    replayLimit: random.pick([0, 10, 1_000_000]),
    budget: random.pick([false, undefined, { ratio: 0.5, reserve: 3 }]),
    breaker: random.pick([false, false, { minimum: 5, open: 30 }]),
    concurrency: random.pick([undefined, undefined, { limit: 2, queue: 3 }]),
    hedge: random.pick([false, false, { after: random.int(1, 20) }]),
    retryUnsafe: random.chance(0.15),
    idempotencyKey: random.chance(0.15),
    pace: random.chance(0.2),
  };
}

export interface CountingClock extends Clock {
  /** Timers that are armed. */
  readonly pending: number;
  /** The last reading of the monotonic clock, which is performance.now(). */
  readonly read: number;
}

export function countingClock(): CountingClock {
  const armed = new Set<() => void>();
  let read = 0;
  return {
    now: systemClock.now,
    monotonic() {
      read = systemClock.monotonic();
      return read;
    },
    schedule(callback, delayMs, options) {
      const cancel = systemClock.schedule(
        () => {
          armed.delete(cancel);
          callback();
        },
        delayMs,
        options,
      );
      armed.add(cancel);
      return () => {
        armed.delete(cancel);
        cancel();
      };
    },
    get pending() {
      return armed.size;
    },
    get read() {
      return read;
    },
  };
}

const METHODS = ["GET", "GET", "GET", "HEAD", "PUT", "PUT", "DELETE", "POST", "POST", "PATCH"];
const LENGTHS = [0, 1, 20, 5000, 70_000];

export interface RandomRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: BodyInput | undefined;
  /** Of the body. */
  readonly kind: Kind;
  /** What the server must have, when it has all of it. Undefined where its framing is not ours to foresee. */
  readonly content: Buffer | undefined;
  readonly hasKey: boolean;
  readonly reading: Reading;
}

export function randomRequest(random: Random, face: FaceName): RandomRequest {
  const method = random.pick(METHODS);
  const hasKey = random.chance(0.1);
  const headers: Record<string, string> = hasKey ? { "idempotency-key": '"k"' } : {};
  const isWhole = face === "client" || face === "interceptor";
  const reading = isWhole ? "whole" : random.pick<Reading>(["whole", "whole", "whole", "part", "nothing"]);
  const kind = method === "GET" || method === "HEAD" ? "none" : random.pick(kindsOf(face));
  const length = kind === "none" ? 0 : random.pick(LENGTHS);
  const content = Buffer.from(random.bytes(length).toString("base64"));
  const body = bodies[kind](content, random);
  return { method, headers, body, kind, content: kind === "form" ? undefined : content, hasKey, reading };
}

type Kind = "none" | "text" | "bytes" | "blob" | "form" | "readable" | "webStream" | "factory";

const bodies: Readonly<Record<Kind, (content: Buffer, random: Random) => BodyInput | undefined>> = {
  none: () => undefined,
  text: (content) => content.toString(),
  bytes: (content) => content,
  blob: (content) => new Blob([new Uint8Array(content)]),
  form: (content) => {
    const form = new FormData();
    form.append("file", new Blob([new Uint8Array(content)]), "file");
    return form;
  },
  readable: (content, random) => Readable.from(slices(content, random)),
  webStream: (content, random) => ReadableStream.from(slices(content, random)) as ReadableStream<Uint8Array>,
  factory: (content, random) => () => Readable.from(slices(content, random)),
};

/** What each face takes: its underlying library refuses the rest, or makes a string of it. */
function kindsOf(face: FaceName): readonly Kind[] {
  if (face === "client" || face === "stream")
    return ["none", "text", "bytes", "blob", "form", "readable", "webStream", "factory"];
  if (face === "fetch") return ["none", "text", "bytes", "blob", "form", "webStream"];
  if (face === "interceptor") return ["none", "text", "bytes", "readable"];
  return ["none", "text", "bytes", "blob", "webStream"];
}

function slices(content: Buffer, random: Random): Buffer[] {
  const parts: Buffer[] = [];
  const size = Math.ceil(content.length / random.int(1, 5)) || 1;
  for (let at = 0; at < content.length; at += size) parts.push(content.subarray(at, at + size));
  return parts;
}
