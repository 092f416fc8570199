// The timeline API as a source: what a post has to be, and how its pages are asked for.

import { type SinceIdCursor, type Source, sinceIdSource } from "@holdfast/checkpoint/ingest";
import type { Clock } from "@holdfast/core";
import type { Meter } from "@holdfast/core/metrics";
import { createHttpClient, type HttpClient } from "@holdfast/http-retry";
import { httpMetrics } from "@holdfast/http-retry/metrics";
import { z } from "zod";

export interface Post {
  readonly id: string;
  readonly user: string;
  readonly text: string;
  readonly createdAt: string;
}

// Ids have more digits than a double holds, and come as text where they do.
export const post: z.ZodType<Post> = z.object({
  id: z.coerce.string(),
  user: z.string(),
  text: z.string(),
  createdAt: z.iso.datetime(),
});

const PAGE = 25;

/** Nobody waits at the other end: rather a post late than a run failed. */
export function createTimelineClient(meter: Meter, clock: Clock): HttpClient {
  return createHttpClient({
    deadline: "2m",
    attemptTimeout: "10s",
    baseDelay: "200ms",
    budget: { ratio: 0.5, reserve: 20 },
    on: httpMetrics(meter),
    clock,
  });
}

/** The newest first; what comes while a run goes down is for the next one. */
export function timelineOf(account: string, baseUrl: string, client: HttpClient): Source<SinceIdCursor> {
  return sinceIdSource({
    get: (url, { signal }) => client.get(url, { signal }),
    url({ since, before }) {
      const query = new URLSearchParams({ limit: String(PAGE) });
      if (since !== null) query.set("since_id", since);
      if (before !== null) query.set("max_id", before);
      return `${baseUrl.replace(/\/$/, "")}/users/${account}/posts?${query}`;
    },
    records: (body) => (body as { readonly posts: readonly unknown[] }).posts,
    id: (record) => String((record as { readonly id: unknown }).id),
  });
}
