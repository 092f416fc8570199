import { connect } from "node:net";
import { errors } from "undici";
import { describe, expect, it } from "vitest";
import { HttpRetryError } from "../src/errors.ts";
import { type FailureFacts, failureOf } from "../src/policy/failures.ts";

const sent: FailureFacts = { anyByteSent: true, responseStarted: false };
const withCode = (code: string, more: object = {}) => Object.assign(new Error(code), { code }, more);

describe("a failure that may pass", () => {
  it.each([
    "ECONNRESET",
    "ECONNREFUSED",
    "ECONNABORTED",
    "EPIPE",
    "ETIMEDOUT",
    "ENOTFOUND",
    "EAI_AGAIN",
    "ENETDOWN",
    "ENETUNREACH",
    "EHOSTDOWN",
    "EHOSTUNREACH",
    "EADDRNOTAVAIL",
    "ERR_HTTP2_STREAM_ERROR",
    "ERR_HTTP2_GOAWAY_SESSION",
    "HPE_INVALID_CONSTANT",
  ])("is %s", (code) => {
    expect(failureOf(withCode(code), sent)).toMatchObject({ code, isTransient: true });
  });

  it.each([
    new errors.ConnectTimeoutError(),
    new errors.HeadersTimeoutError(),
    new errors.BodyTimeoutError(),
    new errors.SocketError("other side closed"),
    new errors.InformationalError("socket idle timeout"),
    new errors.ResponseContentLengthMismatchError(),
  ])("is undici's $name", (error) => {
    expect(failureOf(error, sent)).toMatchObject({ code: error.code, isTransient: true });
  });

  it("is an attempt that ran out of time", () => {
    const error = new HttpRetryError("TIMEOUT", "no headers within 500 ms");
    expect(failureOf(error, sent)).toEqual({ code: "TIMEOUT", isTransient: true, neverSent: false });
  });

  it("is found in the causes, and in the errors that an AggregateError holds", () => {
    const inner = withCode("ECONNRESET");
    expect(failureOf(new TypeError("fetch failed", { cause: inner }), sent)).toMatchObject({ code: "ECONNRESET" });
    expect(failureOf(new AggregateError([new Error("unknown"), inner]), sent)).toMatchObject({ code: "ECONNRESET" });
    const deep = new Error("outer", { cause: new AggregateError([new Error("middle", { cause: inner })]) });
    expect(failureOf(deep, sent)).toMatchObject({ code: "ECONNRESET", isTransient: true });
  });
});

describe("a failure that lasts", () => {
  it.each([
    "CERT_HAS_EXPIRED",
    "CERT_NOT_YET_VALID",
    "CERT_REVOKED",
    "CERT_SIGNATURE_FAILURE",
    "DEPTH_ZERO_SELF_SIGNED_CERT",
    "SELF_SIGNED_CERT_IN_CHAIN",
    "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
    "ERR_TLS_CERT_ALTNAME_INVALID",
    "HOSTNAME_MISMATCH",
  ])("is a certificate's %s, even around an error that would pass", (code) => {
    const around = withCode(code, { cause: withCode("ECONNRESET") });
    const within = new errors.SocketError("closed", undefined as never);
    within.cause = withCode(code);
    expect(failureOf(around, sent)).toMatchObject({ code, isTransient: false });
    expect(failureOf(within, sent)).toMatchObject({ code, isTransient: false });
  });

  it.each([
    new errors.InvalidArgumentError("invalid path"),
    new errors.RequestContentLengthMismatchError(),
    new errors.RequestAbortedError(),
    new errors.ClientDestroyedError(),
    new errors.ClientClosedError(),
    new errors.HeadersOverflowError(),
    new errors.ResponseExceededMaxSizeError(),
    withCode("EPROTO"),
    withCode("ERR_SSL_WRONG_VERSION_NUMBER"),
  ])("is $code", (error) => {
    expect(failureOf(error, sent)).toMatchObject({ code: error.code, isTransient: false });
  });

  it("is one of which nothing is known", () => {
    expect(failureOf(new RangeError("off"), sent)).toEqual({
      code: "RangeError",
      isTransient: false,
      neverSent: false,
    });
    for (const thrown of ["text", undefined, null, 5]) {
      expect(failureOf(thrown, sent)).toMatchObject({ code: typeof thrown, isTransient: false });
    }
  });

  it("is an HTTP/2 stream's error that comes of the request or of the protocol", () => {
    for (const http2ErrorCode of [0x1, 0xc, 0xd]) {
      expect(failureOf(withCode("ERR_HTTP2_STREAM_ERROR", { http2ErrorCode }), sent).isTransient).toBe(false);
    }
    expect(failureOf(withCode("ERR_HTTP2_STREAM_ERROR", { http2ErrorCode: 0x2 }), sent).isTransient).toBe(true);
  });
});

describe("a request that was certainly not carried out", () => {
  it.each(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "UND_ERR_CONNECT_TIMEOUT", "ERR_HTTP2_GOAWAY_SESSION"])(
    "is one that met %s",
    (code) => {
      expect(failureOf(withCode(code), sent).neverSent).toBe(true);
    },
  );

  it("is one of which no byte was written, whatever it met", () => {
    expect(failureOf(withCode("ECONNRESET"), { anyByteSent: false, responseStarted: false }).neverSent).toBe(true);
  });

  it("is one that Node could not connect for", async () => {
    const socket = connect(1, "127.0.0.1");
    const error = await new Promise((resolve) => socket.once("error", resolve));
    expect(failureOf(error, sent)).toEqual({ code: "ECONNREFUSED", isTransient: true, neverSent: true });
    const unreachable = withCode("EHOSTUNREACH", { syscall: "connect" });
    expect(failureOf(unreachable, sent).neverSent).toBe(true);
  });

  it("is one that was tried at several addresses only where all of them were not reached", () => {
    const refused = withCode("ECONNREFUSED");
    const all = Object.assign(new AggregateError([refused, withCode("ETIMEDOUT", { syscall: "connect" })]), {
      code: "ECONNREFUSED",
    });
    const some = Object.assign(new AggregateError([refused, withCode("ECONNRESET")]), { code: "ECONNREFUSED" });
    expect(failureOf(all, sent).neverSent).toBe(true);
    expect(failureOf(some, sent).neverSent).toBe(false);
  });

  it("is one whose HTTP/2 stream the server refused, or did not look at before it went away", () => {
    expect(failureOf(withCode("ERR_HTTP2_STREAM_ERROR", { http2ErrorCode: 0x7 }), sent)).toMatchObject({
      isTransient: true,
      neverSent: true,
    });
    const goAway = new errors.SocketError('HTTP/2: "GOAWAY" frame received with code 11');
    expect(failureOf(goAway, sent)).toMatchObject({ isTransient: true, neverSent: true });
  });

  it.each(["ECONNRESET", "EPIPE", "ETIMEDOUT", "EHOSTUNREACH", "UND_ERR_SOCKET", "UND_ERR_HEADERS_TIMEOUT", "TIMEOUT"])(
    "is not one that met %s once it was written",
    (code) => {
      expect(failureOf(withCode(code), sent).neverSent).toBe(false);
    },
  );

  it("is not one that had a response", () => {
    const refused = withCode("ERR_HTTP2_STREAM_ERROR", { http2ErrorCode: 0x7 });
    expect(failureOf(refused, { anyByteSent: true, responseStarted: true }).neverSent).toBe(false);
  });
});

describe("a chain of causes", () => {
  it("may be a circle", () => {
    const error = withCode("ECONNRESET");
    error.cause = new AggregateError([error], "again", { cause: error });
    expect(failureOf(error, sent)).toMatchObject({ code: "ECONNRESET", isTransient: true });
  });

  it("is followed for 32 errors and no further", () => {
    let error: Error = withCode("ECONNRESET");
    for (let depth = 0; depth < 1000; depth++) error = new Error("wrapped", { cause: error });
    expect(failureOf(error, sent).isTransient).toBe(false);
    const wide = new AggregateError(Array.from({ length: 1_000_000 }, () => error));
    expect(failureOf(wide, sent).isTransient).toBe(false);
  });
});
