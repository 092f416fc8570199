// What handlers answer, before a face puts it into its framework's response.

import { type Problem, problem } from "@holdfast/core/http";
import type { Refusal } from "../verification.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Nothing that this package answers may be kept by anybody on the way. */
const UNCACHED = { "cache-control": "no-store" } as const;

export function jsonAnswer(status: number, value: object, headers: Readonly<Record<string, string>> = {}): Answer {
  return {
    status,
    headers: { "content-type": "application/json", ...UNCACHED, ...headers },
    body: JSON.stringify(value),
  };
}

export function problemAnswer(
  details: Parameters<typeof problem>[0],
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const { status, headers: own, body }: Problem = problem(details);
  return { status, headers: { ...own, ...UNCACHED, ...headers }, body };
}

/** All that whoever shows a token, pass or session is told, whatever is wrong with it. */
export function refusalAnswer({ answer }: Refusal): Answer {
  if (answer === "temporarily_unavailable") return unavailableAnswer();
  return problemAnswer(
    {
      title: "Unauthorized",
      status: 401,
      detail: "Not accepted. Ask the page around the dashboard for a new token.",
      error: answer,
    },
    { "www-authenticate": `Bearer error="${answer}"` },
  );
}

export function unavailableAnswer(): Answer {
  return problemAnswer(
    { title: "Can't be checked now", status: 503, detail: "Try again in a moment.", error: "temporarily_unavailable" },
    { "retry-after": "1" },
  );
}

export function answerResponse({ status, headers, body }: Answer): Response {
  return new Response(body, { status, headers });
}
