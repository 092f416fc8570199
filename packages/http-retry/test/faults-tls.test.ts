import { once } from "node:events";
import { constants, createSecureServer, type Http2SecureServer, type ServerHttp2Stream } from "node:http2";
import { createServer } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { Agent } from "undici";
import { afterEach, describe, expect, it } from "vitest";
import { createHttpClient, HttpRetryError } from "../src/index.ts";
import { selfSigned } from "./self-signed.ts";

const certificate = selfSigned();
const QUICK = { baseDelay: 1, factor: 1, budget: false } as const;

const owned: AsyncDisposableStack[] = [];
afterEach(async () => {
  for (const stack of owned.splice(0)) await stack.disposeAsync();
});

async function listen(server: Server): Promise<string> {
  const stack = new AsyncDisposableStack();
  owned.push(stack);
  const sockets = new Set<{ destroy(): void }>();
  server.on("connection", (socket) => sockets.add(socket));
  stack.defer(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A client that takes the certificate for good, unless it is told not to. */
function trusting(ca: string | undefined = certificate.cert) {
  const dispatcher = new Agent({ connect: { ca } });
  const stack = new AsyncDisposableStack();
  owned.push(stack);
  stack.defer(() => dispatcher.destroy());
  return createHttpClient({ ...QUICK, dispatcher });
}

describe("a certificate that is not trusted", () => {
  it("is met once", async () => {
    const server = createServer(certificate, (_request, response) => response.end("ok"));
    let handshakes = 0;
    server.on("connection", () => handshakes++);
    const origin = await listen(server);
    const client = createHttpClient(QUICK);
    const error = await client
      .get(origin)
      .text()
      .catch((thrown: unknown) => thrown);
    await client.close();
    expect(error).toBeInstanceOf(HttpRetryError);
    expect(error).toMatchObject({ code: "NETWORK", attempts: [{ number: 1 }] });
    expect((error as Error).cause).toMatchObject({ code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
    expect(handshakes).toBe(1);
  });

  it("is no matter where it is trusted", async () => {
    const origin = await listen(createServer(certificate, (_request, response) => response.end("ok")));
    expect(await trusting().get(origin).text()).toBe("ok");
  });

  it("is met once when it is another host's", async () => {
    const server = createServer(certificate, (_request, response) => response.end("ok"));
    let handshakes = 0;
    server.on("connection", () => handshakes++);
    const origin = (await listen(server)).replace("127.0.0.1", "localhost");
    const error = await trusting()
      .get(origin)
      .text()
      .catch((thrown: unknown) => thrown);
    expect((error as Error).cause).toMatchObject({ code: "ERR_TLS_CERT_ALTNAME_INVALID" });
    expect(handshakes).toBe(1);
  });
});

describe("HTTP/2", () => {
  /** What is done with each stream, in order. */
  async function serve(...acts: ((stream: ServerHttp2Stream) => void)[]) {
    const server: Http2SecureServer = createSecureServer(certificate);
    const methods: string[] = [];
    server.on("stream", (stream, headers) => {
      stream.on("error", () => {});
      const act = acts[Math.min(methods.length, acts.length - 1)];
      methods.push(String(headers[":method"]));
      act?.(stream);
    });
    server.on("sessionError", () => {});
    return { origin: await listen(server), methods };
  }
  const ok = (stream: ServerHttp2Stream): void => {
    stream.respond({ ":status": 200 });
    stream.end("ok");
  };
  const refuse = (stream: ServerHttp2Stream): void => stream.close(constants.NGHTTP2_REFUSED_STREAM);
  const goAway = (stream: ServerHttp2Stream): void => {
    stream.session?.goaway(constants.NGHTTP2_NO_ERROR, 0);
    stream.session?.destroy();
  };
  const breakOff = (stream: ServerHttp2Stream): void => stream.close(constants.NGHTTP2_INTERNAL_ERROR);

  it.each(["GET", "POST"])("tries a %s again that was refused before it was looked at", async (method) => {
    const { origin, methods } = await serve(refuse, refuse, refuse, ok);
    expect(await trusting().request(method, origin, {}).text()).toBe("ok");
    expect(methods).toEqual([method, method, method, method]);
  });

  it("tries a GET again whose connection goes away", async () => {
    const { origin } = await serve(goAway, ok);
    expect(await trusting().get(origin).text()).toBe("ok");
  });

  it("tries a GET again that was broken off, and a POST not", async () => {
    const { origin, methods } = await serve(breakOff, ok);
    expect(await trusting().get(origin).text()).toBe("ok");
    expect(methods).toEqual(["GET", "GET"]);
    const other = await serve(breakOff, ok);
    await expect(trusting().post(other.origin).text()).rejects.toMatchObject({ code: "NETWORK" });
    expect(other.methods).toEqual(["POST"]);
  });
});
