// A request for JSON, by each client. Whatever a client can do for its own defaults to survive is on; connections are kept alive.

import { Agent as HttpAgent } from "node:http";
import { createHttpClient, type HttpClientOptions } from "@holdfast/http-retry";
import { retry } from "@holdfast/http-retry/interceptor";
import axios from "axios";
import axiosRetry from "axios-retry";
import got from "got";
import ky from "ky";
import { Agent, fetch, request } from "undici";
import type { Ask } from "./microseconds.ts";

/** Retries and the budget are on anyhow. */
const EVERYTHING: HttpClientOptions = { attemptTimeout: "10s", deadline: "60s", breaker: true };

export function ours(url: string): Ask {
  const client = createHttpClient(EVERYTHING);
  return () => client.get(url).json();
}

export function ourFetch(url: string): Ask {
  const client = createHttpClient(EVERYTHING);
  return async () => (await client.fetch(url)).json();
}

export function ourInterceptor(url: string): Ask {
  const dispatcher = new Agent().compose(retry(EVERYTHING));
  return async () => (await request(url, { dispatcher })).body.json();
}

/** Nothing on at all. */
export function undiciRequest(url: string): Ask {
  const dispatcher = new Agent();
  return async () => (await request(url, { dispatcher })).body.json();
}

export function undiciFetch(url: string): Ask {
  const dispatcher = new Agent();
  return async () => (await fetch(url, { dispatcher })).json();
}

export function gotJson(url: string): Ask {
  const client = got.extend({ agent: { http: new HttpAgent({ keepAlive: true }) } });
  return () => client.get(url).json();
}

/** On Node's own fetch. */
export function kyJson(url: string): Ask {
  return () => ky.get(url).json();
}

export function axiosJson(url: string): Ask {
  const client = axios.create({ httpAgent: new HttpAgent({ keepAlive: true }) });
  axiosRetry(client);
  return async () => (await client.get(url)).data as unknown;
}
