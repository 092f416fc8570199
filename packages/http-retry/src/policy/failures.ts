// What an error from the network says: may another attempt meet better luck, and can the request have been carried out?

export interface Failure {
  /** The code that decided it, such as `"ECONNRESET"`; the error's name where there is none. */
  readonly code: string;
  /** Whether the request was certainly not carried out, so that it may be sent again whatever its method. */
  readonly neverSent: boolean;
  /** Whether another attempt may meet better luck. */
  readonly isTransient: boolean;
}

export interface FailureFacts {
  /** Whether any of the request was written. */
  readonly anyByteSent: boolean;
  /** Whether the headers of a response were there. */
  readonly responseStarted: boolean;
}

// These come from before there is a connection that takes requests.
const NEVER_SENT: ReadonlySet<string> = new Set([
  "EADDRINUSE",
  "EADDRNOTAVAIL",
  "EAI_AGAIN",
  "ECONNREFUSED",
  "ENOTFOUND",
  "ERR_HTTP2_GOAWAY_SESSION",
  "ERR_HTTP2_INVALID_SESSION",
  "UND_ERR_CONNECT_TIMEOUT",
]);

const TRANSIENT: ReadonlySet<string> = new Set([
  ...NEVER_SENT,
  "ECONNABORTED",
  "ECONNRESET",
  "EHOSTDOWN",
  "EHOSTUNREACH",
  "ENETDOWN",
  "ENETRESET",
  "ENETUNREACH",
  "EPIPE",
  "ERR_HTTP2_ERROR",
  "ERR_HTTP2_SESSION_ERROR",
  "ERR_HTTP2_STREAM_CANCEL",
  "ERR_HTTP2_STREAM_ERROR",
  "ERR_STREAM_PREMATURE_CLOSE",
  "ETIMEDOUT",
  "TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_INFO",
  "UND_ERR_PRX_CONN",
  "UND_ERR_RES_CONTENT_LENGTH_MISMATCH",
  "UND_ERR_SOCKET",
]);

// How Node's names for what OpenSSL finds wrong with a certificate begin, or with the names in it.
const CERTIFICATE: readonly string[] = [
  "CERT_",
  "CRL_",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "ERROR_IN_CERT_",
  "ERROR_IN_CRL_",
  "ERR_TLS_CERT_",
  "HOSTNAME_MISMATCH",
  "INVALID_CA",
  "INVALID_PURPOSE",
  "PATH_LENGTH_EXCEEDED",
  "SELF_SIGNED_CERT_",
  "UNABLE_TO_",
];

// HTTP/2's error codes (RFC 9113, section 7).
const REFUSED_STREAM = 0x7;
/** Of the request itself, or of what the two sides speak: PROTOCOL_ERROR, INADEQUATE_SECURITY, HTTP_1_1_REQUIRED. */
const LASTING: ReadonlySet<unknown> = new Set([0x1, 0xc, 0xd]);

/** Looks at the error, its causes, and the errors that an AggregateError holds. */
export function failureOf(error: unknown, facts: FailureFacts): Failure {
  const errors = unwrapped(error);
  const certificate = errors.find(isOfCertificate);
  const known = certificate ?? errors.find(isTransient);
  const { code, name } = known ?? errors[0] ?? {};
  return {
    code: String(code ?? name ?? typeof error),
    neverSent: !facts.anyByteSent || (!facts.responseStarted && wasNeverSent(error)),
    isTransient:
      known !== undefined && !certificate && !errors.some(({ http2ErrorCode }) => LASTING.has(http2ErrorCode)),
  };
}

/** What is read of whatever was thrown. */
interface Thrown {
  readonly code?: unknown;
  readonly name?: unknown;
  readonly message?: unknown;
  readonly syscall?: unknown;
  readonly http2ErrorCode?: unknown;
  readonly cause?: unknown;
  readonly errors?: unknown;
}

// Libraries wrap each other's errors, seldom deeper than this; a chain of causes may also be a circle.
const MOST_ERRORS = 32;

/** The error and all that is in it, the outermost first. */
function unwrapped(error: unknown): readonly Thrown[] {
  const found = isThrown(error) ? [error] : [];
  for (let index = 0; index < found.length; index++) {
    for (const inner of innerErrors(found[index])) if (found.length < MOST_ERRORS) found.push(inner);
  }
  return found;
}

function innerErrors(thrown: Thrown | undefined): readonly Thrown[] {
  const { cause, errors } = thrown ?? {};
  return [...(Array.isArray(errors) ? errors.slice(0, MOST_ERRORS) : []), cause].filter(isThrown);
}

function isThrown(value: unknown): value is Thrown {
  return typeof value === "object" && value !== null;
}

function isOfCertificate({ code }: Thrown): boolean {
  return typeof code === "string" && CERTIFICATE.some((beginning) => code.startsWith(beginning));
}

function isTransient({ code }: Thrown): boolean {
  // What llhttp can't read comes most often of a connection that was cut short or is out of step, and a new one is not.
  return typeof code === "string" && (TRANSIENT.has(code) || code.startsWith("HPE_"));
}

function wasNeverSent(error: unknown, depth = 0): boolean {
  if (!isThrown(error) || depth > MOST_ERRORS) return false;
  const { code, syscall, message, http2ErrorCode, cause, errors } = error;
  // Several addresses were tried; each must have failed before the request was sent there.
  if (Array.isArray(errors) && errors.length > 0) return errors.every((one) => wasNeverSent(one, depth + 1));
  return (
    (typeof code === "string" && NEVER_SENT.has(code)) ||
    syscall === "connect" ||
    // RFC 9113, 8.7: the server has not looked at the request.
    http2ErrorCode === REFUSED_STREAM ||
    // RFC 9113, 6.8: undici fails with it only those above the last stream that the server says it may have looked at.
    (typeof message === "string" && message.startsWith('HTTP/2: "GOAWAY" frame received')) ||
    wasNeverSent(cause, depth + 1)
  );
}
