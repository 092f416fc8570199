// Holdfast's three faces.

import { createHttpClient, type HttpRetryError, type PolicyOptions } from "@holdfast/http-retry";
import { retry } from "@holdfast/http-retry/interceptor";
import { Agent } from "undici";
import { type Contestant, type Entry, nodeBody, type Settings } from "./matrix-ask.ts";
import { askFetch, askRequest } from "./matrix-fetch.ts";

export const ours: readonly Entry[] = [
  { name: "client", setUp: "`createHttpClient().get(url).text()`", packages: [], isOurs: true, create: createClient },
  { name: "client.fetch", setUp: "`createHttpClient().fetch(url)`", packages: [], isOurs: true, create: createFetch },
  {
    name: "interceptor",
    setUp: "`undici.request` on `new Agent().compose(retry())`",
    packages: [],
    isOurs: true,
    create: createInterceptor,
  },
];

function createClient(settings: Settings): Contestant {
  const client = createHttpClient(policyOptions(settings));
  return {
    async ask({ url, method = "GET", headers, body, signal }) {
      try {
        const response = await client.request(method, url, { headers, body: body && nodeBody(body, FormData), signal });
        return { status: response.status, body: response.text() };
      } catch (error) {
        const { response } = error as HttpRetryError;
        return { status: response?.status, body: response?.text(), error };
      }
    },
    close: () => client.close(),
  };
}

function createFetch(settings: Settings): Contestant {
  const client = createHttpClient(policyOptions(settings));
  return {
    ask: (ask) => askFetch(client.fetch as typeof fetch, ask),
    close: () => client.close(),
  };
}

function createInterceptor(settings: Settings): Contestant {
  const dispatcher = new Agent().compose(retry(policyOptions(settings)));
  return {
    ask: (ask) => askRequest(dispatcher, ask),
    close: () => dispatcher.destroy(),
  };
}

const policyOptions = ({ timeoutMs, baseDelayMs }: Settings): PolicyOptions => ({
  ...(timeoutMs !== undefined && { attemptTimeout: timeoutMs, bodyTimeout: timeoutMs }),
  ...(baseDelayMs !== undefined && { baseDelay: baseDelayMs, factor: 1 }),
});
