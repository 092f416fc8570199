// How a contestant is asked that is called as undici.request is, or as fetch is.

import { type Dispatcher, request, FormData as UndiciFormData, fetch as undiciFetch } from "undici";
import { type Ask, type FormClass, nodeBody, type Told, webBody } from "./matrix-ask.ts";

interface FetchInit {
  readonly method: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | FormData | ReadableStream<Uint8Array>;
  readonly duplex?: "half";
  readonly signal?: AbortSignal;
}

interface FetchResponse {
  readonly status: number;
  text(): Promise<string>;
}

export function fetchInit({ method = "GET", headers, body, signal }: Ask, form: FormClass = FormData): FetchInit {
  return {
    method,
    ...(headers && { headers: { ...headers } }),
    ...(body && { body: webBody(body, form) }),
    ...(body?.kind === "stream" && { duplex: "half" }),
    ...(signal && { signal }),
  };
}

export async function readResponse(response: FetchResponse): Promise<Told> {
  return { status: response.status, body: await response.text() };
}

export async function askFetch(
  fetch: (url: string, init: FetchInit) => Promise<FetchResponse>,
  ask: Ask,
  form?: FormClass,
): Promise<Told> {
  let status: number | undefined;
  try {
    const response = await fetch(ask.url, fetchInit(ask, form));
    status = response.status;
    return { status, body: await response.text() };
  } catch (error) {
    return { status, error };
  }
}

/** undici's own fetch on a dispatcher. */
export function askUndiciFetch(dispatcher: Dispatcher, ask: Ask): Promise<Told> {
  const fetch = (url: string, init: FetchInit): Promise<FetchResponse> =>
    undiciFetch(url, { ...init, dispatcher } as Parameters<typeof undiciFetch>[1]);
  return askFetch(fetch, ask, UndiciFormData as FormClass);
}

export async function askRequest(dispatcher: Dispatcher, ask: Ask): Promise<Told> {
  const { url, method = "GET", headers, body, signal } = ask;
  let status: number | undefined;
  try {
    const options = { dispatcher, method, headers, body: body && nodeBody(body, UndiciFormData as FormClass), signal };
    const response = await request(url, options as Parameters<typeof request>[1]);
    status = response.statusCode;
    return { status, body: await response.body.text() };
  } catch (error) {
    return { status: status ?? (error as { readonly statusCode?: number }).statusCode, error };
  }
}
