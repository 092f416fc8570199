// A social network's timeline API on loopback, to try the ingestion on: its posts are made up, its troubles are those of real ones.

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Clock, systemClock } from "@holdfast/core";
import { makePost, type TimelinePost, toJson } from "./posts.ts";

export interface TimelineOptions {
  readonly users: readonly string[];
  /** How many posts each has at the start, one a minute. */
  readonly posts: number;
  /** How many requests are answered in a window; what comes after is refused with 429 until it is over. Default: all. */
  readonly limit?: { readonly requests: number; readonly windowMs: number } | undefined;
  /** One request in so many meets trouble: a 500 and a connection that is reset, in turn. Default: none. */
  readonly troubleEvery?: number | undefined;
  /** Default: the machine's own. */
  readonly clock?: Clock | undefined;
}

export interface TimelineApi {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** What became of the requests so far. */
  readonly counts: Readonly<Record<"answered" | "refused" | "failed" | "reset", number>>;
  /** Of a user, the newest first. */
  posts(user: string): readonly TimelinePost[];
  /** The user says something more. */
  post(user: string): void;
  close(): Promise<void>;
}

const MOST_POSTS = 100;
const MINUTE_MS = 60_000;

/** `GET /users/USER/posts?since_id=…&max_id=…&limit=…`: posts above the one and up to the other, the newest first. */
export async function startTimelineApi(options: TimelineOptions): Promise<TimelineApi> {
  const { users, limit, troubleEvery, clock = systemClock } = options;
  const timelines = new Map(users.map((user) => [user, firstPosts(user, options.posts, clock.now())]));
  const counts = { answered: 0, refused: 0, failed: 0, reset: 0 };
  const waitFor = createGate(limit, clock);
  let asked = 0;

  function answer(request: IncomingMessage, response: ServerResponse): void {
    asked++;
    const isTroubled = troubleEvery !== undefined && asked % troubleEvery === 0;
    if (isTroubled && (asked / troubleEvery) % 2 === 0) {
      counts.reset++;
      request.socket.resetAndDestroy();
      return;
    }
    if (isTroubled) {
      counts.failed++;
      send(response, 500, '{"error":"over capacity"}');
      return;
    }
    const waitMs = waitFor();
    if (waitMs > 0) {
      counts.refused++;
      response.setHeader("Retry-After", Math.ceil(waitMs / 1000));
      send(response, 429, '{"error":"too many requests"}');
      return;
    }
    counts.answered++;
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://timeline");
    const timeline = timelines.get(/^\/users\/(\w+)\/posts$/.exec(pathname)?.[1] ?? "");
    if (timeline === undefined) send(response, 404, '{"error":"no such user"}');
    else send(response, 200, `{"posts":[${pageOf(timeline, searchParams).map(toJson).join(",")}]}`);
  }

  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts,
    posts: (user) => timelines.get(user) ?? [],
    post(user) {
      const timeline = timelines.get(user);
      timeline?.unshift(makePost(user, timeline.length, new Date(clock.now())));
    },
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function firstPosts(user: string, count: number, now: number): TimelinePost[] {
  return Array.from({ length: count }, (_, index) =>
    makePost(user, count - index - 1, new Date(now - (index + 1) * MINUTE_MS)),
  );
}

function pageOf(timeline: readonly TimelinePost[], query: URLSearchParams): readonly TimelinePost[] {
  const since = BigInt(query.get("since_id") ?? 0);
  const max = query.get("max_id");
  const count = Math.min(Number(query.get("limit") ?? MOST_POSTS), MOST_POSTS);
  return timeline.filter(({ id }) => id > since && (max === null || id <= BigInt(max))).slice(0, count);
}

/** How long the caller has to wait; 0 if it may pass. */
function createGate(limit: TimelineOptions["limit"], clock: Clock): () => number {
  let endsAt = 0;
  let left = 0;
  return () => {
    if (limit === undefined) return 0;
    const now = clock.monotonic();
    if (now >= endsAt) [endsAt, left] = [now + limit.windowMs, limit.requests];
    return left-- > 0 ? 0 : endsAt - now;
  };
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { "Content-Type": "application/json" }).end(body);
}
