// Every way into the package, in one form.

import { Agent, request, fetch as undiciFetch } from "undici";
import type { BodyInput } from "../../src/index.ts";
import { createHttpClient, HttpRetryError, type PolicyOptions } from "../../src/index.ts";
import { globalFetchDispatcher, retry } from "../../src/interceptor.ts";

export interface Asked {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: BodyInput | undefined;
  readonly signal: AbortSignal;
  readonly reading: Reading;
}

/** How much of a response's body its caller reads, where the face leaves it the choice, before it cancels or forgets it. */
export type Reading = "whole" | "part" | "nothing";

export interface Answered {
  readonly status: number;
  /** As much as was read. */
  readonly body: Buffer;
}

export interface Face {
  ask(asked: Asked): Promise<Answered>;
  close(): Promise<void>;
}

export type FaceName = "client" | "stream" | "fetch" | "interceptor" | "undiciFetch" | "globalFetch";

export const faces: Readonly<Record<FaceName, (options: PolicyOptions) => Face>> = {
  client(options: PolicyOptions): Face {
    const client = createHttpClient(options);
    return {
      async ask({ url, method, reading: _, ...call }) {
        try {
          const { status, body } = await client.request(method, url, call);
          return { status, body: bytes(body) };
        } catch (error) {
          return responseOf(error);
        }
      },
      close: () => client.close(),
    };
  },
  stream(options: PolicyOptions): Face {
    const client = createHttpClient(options);
    return {
      async ask({ url, method, reading, ...call }) {
        try {
          const { status, stream } = await client.request(method, url, call).stream();
          return { status, body: await read(stream, reading) };
        } catch (error) {
          return responseOf(error);
        }
      },
      close: () => client.close(),
    };
  },
  fetch(options: PolicyOptions): Face {
    const client = createHttpClient(options);
    return {
      ask: (asked) => askFetch(client.fetch as typeof fetch, asked),
      close: () => client.close(),
    };
  },
  interceptor(options: PolicyOptions): Face {
    const dispatcher = new Agent().compose(retry(options));
    return {
      async ask({ url, body, reading: _, ...init }) {
        const given = { ...init, dispatcher, body } as Parameters<typeof request>[1];
        const response = await request(url, given);
        return { status: response.statusCode, body: Buffer.from(await response.body.arrayBuffer()) };
      },
      close: () => dispatcher.close(),
    };
  },
  undiciFetch(options: PolicyOptions): Face {
    const dispatcher = new Agent().compose(retry(options));
    return {
      ask: (asked) =>
        askFetch((url, init) => undiciFetch(url as string, { ...init, dispatcher } as never) as never, asked),
      close: () => dispatcher.close(),
    };
  },
  globalFetch(options: PolicyOptions): Face {
    const agent = new Agent();
    const dispatcher = globalFetchDispatcher(agent.compose(retry(options)));
    return {
      ask: (asked) => askFetch((url, init) => fetch(url, { ...init, dispatcher } as object), asked),
      close: () => agent.close(),
    };
  },
};

async function askFetch(face: typeof fetch, { url, reading, ...init }: Asked): Promise<Answered> {
  const given = { ...init, ...(init.body !== undefined && { duplex: "half" }) } as RequestInit;
  const response = await face(url, given);
  return { status: response.status, body: await read(response.body ?? [], reading) };
}

async function read(stream: AsyncIterable<Uint8Array> | readonly [], reading: Reading): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  if (reading === "nothing") return Buffer.alloc(0);
  for await (const chunk of stream) {
    chunks.push(chunk);
    if (reading === "part") break;
  }
  return Buffer.concat(chunks);
}

/** A status of 400 or above is an error of the client, which carries the response. */
function responseOf(error: unknown): Answered {
  if (error instanceof HttpRetryError && error.code === "STATUS" && error.response?.isTruncated === false) {
    return { status: error.response.status, body: bytes(error.response.body) };
  }
  throw error;
}

const bytes = (body: Uint8Array): Buffer => Buffer.from(body.buffer, body.byteOffset, body.byteLength);
