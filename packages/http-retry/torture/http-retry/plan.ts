// A random script for one path, and for each of its steps what a client may make of it.

import { createHash } from "node:crypto";
import type { Random } from "@holdfast/testing/torture";
import type { Answer, Cut, ReceivedRequest, Step } from "../../src/testing.ts";

/** What a caller may be told: this status with this body; where nothing in the response tells its true length, with less of it. */
export interface Outcome {
  readonly status: number;
  readonly content: Buffer;
  readonly mayBeShort: boolean;
  /** Whether its digest shows, at its end, that the content is wrong. */
  readonly isRefuted: boolean;
}

export interface Plan {
  readonly step: Step;
  /** Undefined where no response can come of it. */
  readonly outcome: Outcome | undefined;
}

/** What a server was asked, and what it was to do about it. */
export interface Served {
  readonly plan: Plan;
  readonly received: ReceivedRequest;
}

const RETRIED = [408, 425, 429, 500, 502, 503, 504];
const FINAL = [200, 200, 200, 201, 400, 404, 501];
const RETRY_AFTER = ["0", "1", "60", "99999999999", "soon", "Wed, 01 Jan 2020 00:00:00 GMT"];
const LENGTHS = [0, 1, 2, 10, 1000, 20_000, 100_000];

interface PlanFor {
  readonly method: string;
  /** Where a redirect may lead. Undefined where none is made. */
  readonly elsewhere: string | undefined;
}

/** Versions differ in every byte, so that a mixture of two shows wherever it is cut. */
export function planScript(random: Random, wanted: PlanFor): readonly Plan[] {
  const lengths = [random.pick(LENGTHS), random.pick(LENGTHS)];
  const versions = lengths.map((length, index) => contentOf(random, length, index));
  return Array.from({ length: random.int(1, 5) }, () =>
    planStep(random, wanted, random.int(0, 3) > 0 ? 0 : 1, versions),
  );
}

function contentOf(random: Random, length: number, version: number): Buffer {
  // The lowest bit is the version's.
  return Buffer.from(random.bytes(length).map((byte) => (byte & 0xfe) | version));
}

function planStep(random: Random, { method, elsewhere }: PlanFor, version: number, versions: readonly Buffer[]): Plan {
  const kind = random.int(0, 19);
  if (kind === 0) return { step: "hang", outcome: undefined };
  if (kind <= 2) return { step: "reset", outcome: undefined };
  if (kind === 3) return { step: noise(random), outcome: undefined };
  if (kind <= 8) return planStatus(random);
  if (kind <= 10 && elsewhere !== undefined) return planRedirect(random, elsewhere);
  return planContent(random, method, versions[version] ?? Buffer.alloc(0), version);
}

/** Bytes that are no response. */
function noise(random: Random): Step {
  const raw = random.pick<string | Buffer>([
    random.bytes(random.int(1, 100)),
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
    "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
    "HTTP/1.1 99999 What\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "\r\n\r\n",
  ]);
  return { raw, afterwards: random.pick(["close", "reset"]) };
}

function planStatus(random: Random): Plan {
  const status = random.pick(RETRIED);
  const content = random.bytes(random.pick(LENGTHS));
  const headers = random.chance(0.3) ? { "retry-after": random.pick(RETRY_AFTER) } : {};
  return misbehave(random, { status, headers, body: content }, content, false);
}

function planRedirect(random: Random, location: string): Plan {
  const content = random.bytes(random.pick(LENGTHS));
  const answer = { status: random.pick([303, 307, 308]), headers: { location }, body: content };
  return { step: misbehave(random, answer, content, false).step, outcome: undefined };
}

function planContent(random: Random, method: string, content: Buffer, version: number): Plan {
  const headers: Record<string, string> = {};
  const tag = random.int(0, 3);
  if (tag > 0) headers["etag"] = `${tag === 1 ? "W/" : ""}"v${version}"`;
  const digest = random.pick(["none", "none", "none", "right", "wrong"] as const);
  const told = digest === "right" ? content : random.bytes(9);
  if (digest !== "none") headers["repr-digest"] = `sha-256=:${createHash("sha256").update(told).digest("base64")}:`;
  const status = random.pick(FINAL);
  const isChecked = digest !== "none" && method === "GET" && status === 200;
  const ranges = status === 200 && random.chance(0.7);
  const plan = misbehave(random, { status, headers, body: content, ranges }, content, isChecked);
  const isRefuted = isChecked && digest === "wrong";
  return plan.outcome ? { step: plan.step, outcome: { ...plan.outcome, isRefuted } } : plan;
}

function misbehave(random: Random, answer: Answer, content: Buffer, isChecked: boolean): Plan {
  const framing = random.pick([
    "length",
    "length",
    "length",
    "chunked",
    "chunked",
    "close",
    "bad-chunk",
    "no-last-chunk",
  ] as const);
  const cut = random.chance(0.35) ? randomCut(random, content.length) : undefined;
  const claims = framing === "length" && random.chance(0.1);
  const claimedLength = claims ? random.int(0, content.length + 10) : undefined;
  const afterwards = random.pick(["keep", "keep", "keep", "close", "reset", undefined] as const);
  const step: Answer = {
    ...answer,
    framing,
    cut,
    claimedLength,
    delay: random.chance(0.3) ? random.int(0, 40) : 0,
    drip: random.chance(0.2)
      ? { bytes: Math.ceil((content.length + 1) / random.int(2, 8)), every: random.int(0, 8) }
      : undefined,
    afterwards,
    afterRequestBytes: random.chance(0.1) ? random.int(0, 1000) : undefined,
  };
  // undici takes a reset for the end, too, where the end of the connection is the end of the body.
  const endsQuietly = framing === "close" && (cut !== undefined || afterwards === "reset");
  const claimsLess = claimedLength !== undefined && claimedLength < content.length;
  const mayBeShort = !isChecked && (endsQuietly || claimsLess);
  return { step, outcome: { status: answer.status ?? 200, content, mayBeShort, isRefuted: false } };
}

function randomCut(random: Random, length: number): Cut {
  const of = random.pick(["response", "body"] as const);
  return { of, afterBytes: random.int(0, length + (of === "body" ? 0 : 150)), by: random.pick(["reset", "end"]) };
}

/** Whether a caller may be told so for this answer: with all of the body, or a part where that is all that it wanted. */
export function couldTell(
  { plan, received }: Served,
  told: Pick<Outcome, "status"> & { readonly body: Buffer },
  isWhole: boolean,
): boolean {
  const { step, outcome } = plan;
  if (outcome?.status !== told.status || (outcome.isRefuted && isWhole)) return false;
  // A part that was asked for ends a response that began earlier, and it is that one's outcome that counts.
  const { range, "if-range": tag } = received.headers;
  const isPart = typeof step === "object" && "ranges" in step && step.ranges && range !== undefined;
  if (isPart && tag === step.headers?.["etag"]) return false;
  const expected = received.method === "HEAD" ? Buffer.alloc(0) : outcome.content;
  return (outcome.mayBeShort || !isWhole ? expected.subarray(0, told.body.length) : expected).equals(told.body);
}
