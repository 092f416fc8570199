// The other clients, each as its own documentation shows it.

import axios, { type AxiosError } from "axios";
import axiosRetry from "axios-retry";
import got, { type HTTPError as GotHttpError, type Method } from "got";
import ky, { type HTTPError as KyHttpError } from "ky";
import pRetry from "p-retry";
import { Agent, interceptors, RetryAgent, type RetryHandler } from "undici";
import { type Contestant, type Entry, nodeBody, type Settings, type Told } from "./matrix-ask.ts";
import { askRequest, askUndiciFetch, fetchInit, readResponse } from "./matrix-fetch.ts";

export const peers: readonly Entry[] = [
  { name: "got", setUp: "`got(url)`", packages: ["got"], create: createGot },
  { name: "ky", setUp: "`ky(url)`", packages: ["ky"], create: createKy },
  {
    name: "axios-retry",
    setUp: "`axiosRetry(axios.create())`",
    packages: ["axios", "axios-retry"],
    create: createAxios,
  },
  {
    name: "p-retry",
    setUp: "`pRetry(() => fetch(url))`, throwing unless `response.ok`, with the fetch of Node.js",
    packages: ["p-retry"],
    create: createPRetry,
  },
  {
    name: "RetryAgent",
    setUp: "`undici.request` on `new RetryAgent(new Agent())`",
    packages: ["undici"],
    create: createRetryAgent,
  },
  {
    name: "undici's retry",
    setUp: "`undici.fetch` on `new Agent().compose(interceptors.retry())`",
    packages: ["undici"],
    create: createRetryFetch,
  },
];

function createGot({ timeoutMs, baseDelayMs }: Settings): Contestant {
  const client = got.extend({
    ...(timeoutMs !== undefined && { timeout: { request: timeoutMs } }),
    ...(baseDelayMs !== undefined && { retry: { backoffLimit: baseDelayMs } }),
  });
  return {
    async ask({ url, method = "GET", headers, body, signal }) {
      try {
        const response = await client(url, {
          method: method as Method,
          ...(headers && { headers }),
          ...(body && { body: nodeBody(body, FormData) }),
          ...(signal && { signal }),
        });
        return { status: response.statusCode, body: response.body };
      } catch (error) {
        const { response } = error as GotHttpError;
        return { status: response?.statusCode, body: response?.body as string | undefined, error };
      }
    },
  };
}

function createKy({ timeoutMs, baseDelayMs }: Settings): Contestant {
  const client = ky.extend({
    ...(timeoutMs !== undefined && { timeout: timeoutMs }),
    ...(baseDelayMs !== undefined && { retry: { delay: () => baseDelayMs } }),
  });
  return {
    async ask(ask) {
      try {
        // By its own text(), which its timeout covers, and not the response's.
        const call = client(ask.url, fetchInit(ask));
        return { status: (await call).status, body: await call.text() };
      } catch (error) {
        const { response, data } = error as KyHttpError<string>;
        return { status: response?.status, body: data, error };
      }
    },
  };
}

function createAxios({ timeoutMs, baseDelayMs }: Settings): Contestant {
  const client = axios.create({ ...(timeoutMs !== undefined && { timeout: timeoutMs }), responseType: "text" });
  axiosRetry(client, baseDelayMs === undefined ? {} : { retryDelay: () => baseDelayMs });
  return {
    async ask({ url, method = "GET", headers, body, signal }) {
      try {
        const { status, data } = await client.request<string>({
          url,
          method,
          ...(headers && { headers }),
          ...(body && { data: nodeBody(body, FormData) }),
          ...(signal && { signal }),
        });
        return { status, body: data };
      } catch (error) {
        const { response } = error as AxiosError<string>;
        return { status: response?.status, body: response?.data, error };
      }
    },
  };
}

function createPRetry({ timeoutMs, baseDelayMs }: Settings): Contestant {
  return {
    async ask(ask) {
      const attempt = async (): Promise<Told> => {
        const timeout = timeoutMs === undefined ? [] : [AbortSignal.timeout(timeoutMs)];
        const signal = AbortSignal.any(ask.signal ? [ask.signal, ...timeout] : timeout);
        const response = await fetch(ask.url, { ...fetchInit(ask), signal });
        const told = await readResponse(response);
        if (!response.ok) throw Object.assign(new Error(response.statusText), told);
        return told;
      };
      try {
        return await pRetry(attempt, {
          ...(ask.signal && { signal: ask.signal }),
          ...(baseDelayMs !== undefined && { minTimeout: baseDelayMs, factor: 1 }),
        });
      } catch (error) {
        const { status, body } = error as Told;
        return { status, body, error };
      }
    },
  };
}

function createRetryAgent(settings: Settings): Contestant {
  const agent = new RetryAgent(new Agent(timeouts(settings)), retryOptions(settings));
  return { ask: (ask) => askRequest(agent, ask), close: () => agent.destroy() };
}

function createRetryFetch(settings: Settings): Contestant {
  const dispatcher = new Agent(timeouts(settings)).compose(interceptors.retry(retryOptions(settings)));
  return {
    ask: (ask) => askUndiciFetch(dispatcher, ask),
    close: () => dispatcher.destroy(),
  };
}

const timeouts = ({ timeoutMs }: Settings): Agent.Options =>
  timeoutMs === undefined ? {} : { headersTimeout: timeoutMs, bodyTimeout: timeoutMs };

const retryOptions = ({ baseDelayMs }: Settings): RetryHandler.RetryOptions =>
  baseDelayMs === undefined ? {} : { minTimeout: baseDelayMs, timeoutFactor: 1 };
