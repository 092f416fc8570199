// A call's arguments made into the request that is sent.

import { bodyOf } from "../body/body-of.ts";
import type { RequestBody } from "../body/request-body.ts";
import { HttpRetryError } from "../errors.ts";
import type { Policy } from "../policy/policy.ts";
import { type Address, createAddresses, withQuery } from "./address.ts";
import { fieldsOf } from "./headers.ts";
import type { CallOptions, HttpClientOptions } from "./options.ts";
import type { HttpRequest, RequestFields } from "./request.ts";
import { withSafeHeadersOnly } from "./safe-headers.ts";

type MakeRequest = (method: string, url: string | URL, call: CallOptions | undefined, policy: Policy) => HttpRequest;

/** @throws HttpRetryError `INVALID_OPTION`, here and in the function that it makes */
export function createRequests({ baseUrl, headers }: HttpClientOptions): MakeRequest {
  const addressOf = createAddresses(baseUrl);
  const home = baseUrl === undefined ? undefined : new URL(baseUrl).origin;
  const atHome = fieldsOf(headers);
  const abroad = home === undefined ? atHome : withSafeHeadersOnly(atHome);
  const defaultsFor = ({ origin }: Address): RequestFields => (origin === home ? atHome : abroad);

  return (method, url, call, policy) => {
    const plain = addressOf(url);
    if (!call) return { method, origin: plain.origin, path: plain.path, headers: defaultsFor(plain), body: undefined };
    const { origin, path } = call.query ? withQuery(plain, call.query) : plain;
    const body = requestBodyOf(call, policy);
    const contentType = call.json === undefined ? body?.contentType : "application/json";
    const own = fieldsOf(call.headers, defaultsFor(plain));
    return { method, origin, path, headers: body ? withBodyFields(own, body.length, contentType) : own, body };
  };
}

/** What the caller says of the body counts for more. */
function withBodyFields(
  fields: RequestFields,
  length: number | undefined,
  contentType: string | undefined,
): RequestFields {
  return {
    ...(contentType !== undefined && { "content-type": contentType }),
    ...(length !== undefined && { "content-length": String(length) }),
    ...fields,
  };
}

function requestBodyOf({ json, body }: CallOptions, { replayLimit }: Policy): RequestBody | undefined {
  if (json === undefined) return body === undefined ? undefined : bodyOf(body, { replayLimit });
  if (body !== undefined) throw new HttpRetryError("INVALID_OPTION", "json and body were both given; give one of them");
  const text = JSON.stringify(json) as string | undefined;
  if (text === undefined)
    throw new HttpRetryError("INVALID_OPTION", `json is a ${typeof json}, which JSON can't express`);
  return bodyOf(text, { replayLimit });
}
