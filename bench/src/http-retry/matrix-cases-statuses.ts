// What is asked again and what is not; and what is left in the caller's hands.

import { startScriptedServer } from "@holdfast/http-retry/testing";
import { askOnce, type Case, type Faults, firstFault, OK, oneCall, type Seen, succeeds } from "./matrix-case.ts";

const DOWN = { status: 503, body: "down" } as const;

export const statusCases: readonly Case[] = [
  oneCall({
    name: "408",
    right: "Asks again.",
    script: [{ status: 408 }, OK],
    judge: succeeds,
  }),
  oneCall({
    name: "425",
    right: "Asks again.",
    script: [{ status: 425 }, OK],
    judge: succeeds,
  }),
  oneCall({
    name: "304",
    right: "One request; the 304 is the caller's, and no error.",
    script: { status: 304, headers: { etag: '"v1"' } },
    ask: { headers: { "if-none-match": '"v1"' } },
    judge: ({ isSettled, requests, status, error }) => [
      ["asks again", requests.length > 1],
      ["still waiting after 5 s", !isSettled],
      ["an error", error !== undefined],
      ["another status", status !== 304],
    ],
  }),
  oneCall({
    name: "503, then 204",
    right: "Asks again; the empty 204 is the caller's.",
    script: [{ status: 503 }, { status: 204 }],
    judge: ({ isSettled, requests, status, error }) => [
      ["still waiting after 5 s", !isSettled],
      ["not tried again", requests.length < 2],
      ["fails", error !== undefined || status !== 204],
    ],
  }),
  oneCall({
    name: "503 for ever",
    right: "Comes to an end, and the last response is the caller's, with its body.",
    script: DOWN,
    settings: { baseDelayMs: 10 },
    judge: (seen) => [["still waiting after 5 s", !seen.isSettled], ...hasResponse(seen, 503, "down")],
  }),
  oneCall({
    name: "POST, 500",
    right: "One request; the response is the caller's, with its body.",
    script: [{ status: 500, body: "broke" }, OK],
    ask: { method: "POST" },
    judge: (seen) => [["posts twice", seen.requests.length > 1], ...hasResponse(seen, 500, "broke")],
  }),
  oneCall({
    name: "POST, reset before the response",
    right: "One request: it may have been carried out.",
    script: ["reset", OK],
    ask: { method: "POST" },
    judge: ({ requests, error }) => [
      ["posts twice", requests.length > 1],
      ["no error", error === undefined],
    ],
  }),
  oneCall({
    name: "POST with an `Idempotency-Key`, 503",
    right: "Asks again, with the same key.",
    script: [{ status: 503 }, OK],
    ask: { method: "POST", headers: { "idempotency-key": '"k1"' } },
    judge: (seen) => [
      ...succeeds(seen),
      ["another key", seen.requests.some(({ headers }) => headers["idempotency-key"] !== '"k1"')],
    ],
  }),
  crossOrigin("Authorization", "Bearer secret"),
  crossOrigin("X-Api-Key", "secret"),
];

function hasResponse({ status, body }: Seen, wantedStatus: number, wantedBody: string): Faults {
  return [
    ["the response is lost", status !== wantedStatus],
    ["the body is lost", body !== wantedBody],
  ];
}

function crossOrigin(header: string, value: string): Case {
  return {
    name: `Redirect to another origin, \`${header}\``,
    right: "The header does not go there. (Who does not follow redirects is right too.)",
    async run(entry) {
      await using other = await startScriptedServer(OK);
      await using server = await startScriptedServer({ status: 307, headers: { location: other.origin } });
      const contestant = entry.create({});
      await askOnce(contestant, { url: server.origin, headers: { [header]: value } });
      await contestant.close?.();
      const [request] = other.requests;
      return firstFault([["sends it there", request?.headers[header.toLowerCase()] !== undefined]]);
    },
  };
}
