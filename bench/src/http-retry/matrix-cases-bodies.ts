// Bodies that break on their way here, and bodies that must be sent again.

import { createHash } from "node:crypto";
import type { Answer } from "@holdfast/http-retry/testing";
import { type Case, type Faults, oneCall, type Seen } from "./matrix-case.ts";

const OLD = "the old version, which is cut off";
const NEW = "THE NEW VERSION, WHICH IS NOT THE";
const CUT = { afterBytes: 12, of: "body" } as const;
const TEXT = "x".repeat(100);

export const bodyCases: readonly Case[] = [
  oneCall({
    name: "Reset in the middle of a body, ranges served",
    right: "The whole body.",
    script: [broken('"v1"'), { ...broken('"v1"'), cut: undefined, ranges: true }],
    judge: (seen) => [...neverWrong(seen), ["fails", seen.error !== undefined || seen.body !== OLD]],
  }),
  oneCall({
    name: "The same, no ranges",
    right: "The whole body or an error, never a part or twice the beginning.",
    script: [broken('"v1"'), { ...broken('"v1"'), cut: undefined }],
    judge: neverWrong,
  }),
  ...[
    { name: "no ETag", etag: undefined, newEtag: undefined },
    { name: "a weak ETag", etag: 'W/"v1"', newEtag: 'W/"v2"' },
    { name: "a strong ETag", etag: '"v1"', newEtag: '"v2"' },
  ].map(({ name, etag, newEtag }) =>
    oneCall({
      name: `The same, ranges served, but it has changed: ${name}`,
      right: "One of the two versions or an error, never the beginning of one and the end of the other.",
      // As a server whose ranges know nothing of versions, and one that knows.
      script: [broken(etag), { ...broken(newEtag), body: NEW, cut: undefined, ranges: true }],
      judge: neverWrong,
    }),
  ),
  oneCall({
    name: "A body that ends before its `content-length`",
    right: "The whole body or an error, never a part.",
    script: { body: OLD, claimedLength: OLD.length + 10, afterwards: "close" },
    settings: { baseDelayMs: 10 },
    judge: ({ isSettled, error }) => [
      ["still waiting after 5 s", !isSettled],
      ["short body, told as good", error === undefined],
    ],
  }),
  oneCall({
    name: "A body that is not what its `Repr-Digest` says",
    right: "An error.",
    script: { headers: { "repr-digest": digestOf(NEW) }, body: OLD },
    settings: { baseDelayMs: 10 },
    judge: ({ isSettled, error }) => [
      ["still waiting after 5 s", !isSettled],
      ["damaged body, told as good", error === undefined],
    ],
  }),
  oneCall({
    name: "PUT of a string, 503",
    right: "The same body again.",
    script: [{ status: 503 }, {}],
    ask: { method: "PUT", body: { kind: "text", text: TEXT } },
    judge: (seen) => [
      ...sentWhole(seen),
      ["not tried again", seen.requests.length < 2],
      ["fails", seen.status !== 200],
    ],
  }),
  oneCall({
    name: "PUT of a form, 503",
    right: "The same body again.",
    script: [{ status: 503 }, {}],
    ask: { method: "PUT", body: { kind: "form", field: "a", file: TEXT } },
    judge: (seen) => [
      ...sentWhole(seen),
      ["not tried again", seen.requests.length < 2],
      ["fails", seen.status !== 200],
    ],
  }),
  oneCall({
    name: "PUT of a stream, 503",
    right: "The same body again, or the 503: never a part of it.",
    script: [{ status: 503 }, {}],
    ask: { method: "PUT", body: { kind: "stream", text: TEXT } },
    judge: (seen) => [...sentWhole(seen), ["the 503 is lost", seen.status !== 200 && seen.status !== 503]],
  }),
];

function digestOf(body: string): string {
  return `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;
}

function broken(etag: string | undefined): Answer {
  return { headers: etag === undefined ? {} : { etag }, body: OLD, cut: CUT };
}

function neverWrong({ isSettled, error, body }: Seen): Faults {
  return [
    ["still waiting after 5 s", !isSettled],
    ["wrong body, told as good", error === undefined && body !== OLD && body !== NEW],
  ];
}

function sentWhole({ isSettled, status, requests }: Seen): Faults {
  const whole = requests.filter(({ isComplete }) => isComplete);
  return [
    ["still waiting after 5 s", !isSettled],
    ["sends an empty body, told as good", status === 200 && !whole.every(({ body }) => body.includes(TEXT))],
  ];
}
