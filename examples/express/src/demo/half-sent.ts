// A request that is in flight for as long as one likes: half of its body is sent, and the rest when told.

import { type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";

export interface HalfSent {
  /** Sends the rest. */
  finish(): Promise<{ readonly status: number; readonly connection: string | undefined; readonly body: string }>;
}

/** Resolves when the service has begun with the request. */
export function sendHalf(url: string, body: string): Promise<HalfSent> {
  const half = Math.ceil(body.length / 2);
  const headers = {
    "Content-Type": "application/json",
    "Content-Length": Buffer.byteLength(body),
    // The service answers 100 as it takes the request up, which is how we know that it has.
    Expect: "100-continue",
  };
  const sending = request(url, { method: "POST", headers });
  const answer = new Promise<IncomingMessage>((resolve, reject) =>
    sending.once("response", resolve).once("error", reject),
  );
  const begun = new Promise<void>((resolve) => sending.once("continue", resolve));
  sending.flushHeaders();

  return Promise.race([begun, answer]).then(() => {
    sending.write(body.slice(0, half));
    return {
      async finish() {
        sending.end(body.slice(half));
        const response = await answer;
        const { statusCode = 0, headers: got } = response;
        return { status: statusCode, connection: got.connection, body: await text(response) };
      },
    };
  });
}
