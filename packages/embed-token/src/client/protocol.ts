// What the page around a dashboard and the page in the frame say to each other.

/** By `postMessage`, before there is a port. */
export interface Greeting {
  readonly holdfast: "ready" | "port";
  readonly nonce: string;
}

/** Over the port, from the frame. */
export type FrameMessage =
  | { readonly type: "token"; readonly ask: number }
  | { readonly type: "open" }
  | { readonly type: "size"; readonly height: number }
  | { readonly type: "error"; readonly code: "refused" | "unavailable"; readonly status?: number | undefined };

/** Over the port, to the frame. `token` is missing where none could be had. */
export type HostMessage =
  | { readonly type: "token"; readonly ask: number; readonly token?: string | undefined }
  | { readonly type: "renew" };

/** Whether a message is a greeting of that kind. Anything may be posted to a window. */
export function isGreeting(data: unknown, kind: Greeting["holdfast"]): data is Greeting {
  const { holdfast, nonce } = (data ?? {}) as Partial<Greeting>;
  return holdfast === kind && typeof nonce === "string" && /^[\w-]{16,64}$/.test(nonce);
}

export function newNonce(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
