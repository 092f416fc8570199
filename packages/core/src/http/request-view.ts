// One small view of a request, so that a guard written once serves node:http, Express, Hono and fetch handlers.

/**
 * What a guard may know of a request. Reads through to the framework's own request: nothing is copied, so keep the view
 * no longer than the request. Call `header` as a method.
 */
export interface RequestView {
  /** As the framework gives it; upper-case for the standard methods. */
  readonly method: string;
  /**
   * Path and query as the client sent them (`/orders?page=2`), also where the framework holds an absolute URL, and without a
   * fragment. Not decoded. The targets `*` and `host:port` (OPTIONS, CONNECT) stay as they are.
   */
  readonly url: string;
  /** Address of the socket's other end: the nearest proxy if there is one. Whom it speaks for is `createClientAddress`'s to say. */
  readonly address: string | undefined;
  /** A header's value by its name in any case. A repeated header is joined by ", " in the order of the lines (RFC 9110, 5.3). */
  header(name: string): string | undefined;
}

/** What is read of node:http's `IncomingMessage`, and of node:http2's request in its compatibility API. */
export interface NodeRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly rawHeaders?: readonly string[] | undefined;
  readonly socket?: { readonly remoteAddress?: string | undefined } | undefined;
}

/** What is read of an Express 4 or 5 request. */
export interface ExpressRequest extends NodeRequest {
  readonly originalUrl: string;
}

/** What is read of a web-standard `Request`. */
export interface FetchRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: { get(name: string): string | null };
}

/** What is read of a Hono context. */
export interface HonoContext {
  readonly req: { readonly raw: FetchRequest };
  readonly env: unknown;
}

/** A view of a request of node:http. */
export function fromNode(request: NodeRequest): RequestView {
  return new NodeView(request, request.url);
}

/** A view of an Express request, by the URL that the client sent and not the one that a mounted router sees. */
export function fromExpress(request: ExpressRequest): RequestView {
  return new NodeView(request, request.originalUrl);
}

/** A view of a web-standard request. It does not know its socket: give the address if the platform tells it. */
export function fromFetch(
  request: FetchRequest,
  connection: { readonly address?: string | undefined } = {},
): RequestView {
  return new FetchView(request, connection.address);
}

/** A view of a Hono request. The address is known under @hono/node-server; elsewhere use `fromFetch(c.req.raw, { address })`. */
export function fromHono(context: HonoContext): RequestView {
  const env = context.env as { server?: NodeBindings } & NodeBindings;
  return new FetchView(context.req.raw, (env?.server ?? env)?.incoming?.socket?.remoteAddress);
}

interface NodeBindings {
  readonly incoming?: { readonly socket?: { readonly remoteAddress?: string | undefined } };
}

// Classes for speed: a literal with a getter and closures takes about a hundred times as long to make.
class NodeView implements RequestView {
  readonly #request: NodeRequest;
  readonly #target: string;

  constructor(request: NodeRequest, target = "") {
    this.#request = request;
    this.#target = target;
  }

  get method(): string {
    return this.#request.method ?? "";
  }

  get url(): string {
    return pathAndQuery(this.#target);
  }

  get address(): string | undefined {
    return this.#request.socket?.remoteAddress;
  }

  header(name: string): string | undefined {
    const key = name.toLowerCase();
    const value = this.#request.headers[key];
    // By type, not by presence: "constructor" is a header name too.
    if (typeof value === "string")
      return KEPT_ONCE.has(key) ? joined(this.#request.rawHeaders ?? [], key, value) : value;
    return Array.isArray(value) ? value.join(", ") : undefined;
  }
}

class FetchView implements RequestView {
  readonly #request: FetchRequest;
  readonly address: string | undefined;

  constructor(request: FetchRequest, address: string | undefined) {
    this.#request = request;
    this.address = address;
  }

  get method(): string {
    return this.#request.method;
  }

  get url(): string {
    return pathAndQuery(this.#request.url);
  }

  header(name: string): string | undefined {
    return this.#request.headers.get(name) ?? undefined;
  }
}

// Of these Node keeps the first and drops the others (https://nodejs.org/api/http.html#messageheaders). A guard that saw one
// of two Authorization lines could decide on another request than the handler behind it.
const KEPT_ONCE: ReadonlySet<string> = new Set([
  "age",
  "authorization",
  "content-length",
  "content-type",
  "etag",
  "expires",
  "from",
  "host",
  "if-modified-since",
  "if-unmodified-since",
  "last-modified",
  "location",
  "max-forwards",
  "proxy-authorization",
  "referer",
  "retry-after",
  "server",
  "user-agent",
]);

function joined(rawHeaders: readonly string[], key: string, first: string): string {
  let value: string | undefined;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.length !== key.length || rawHeaders[i]?.toLowerCase() !== key) continue;
    // Where an earlier middleware set the header, what it set stands.
    if (value === undefined && rawHeaders[i + 1] !== first) return first;
    value = value === undefined ? first : `${value}, ${rawHeaders[i + 1]}`;
  }
  return value ?? first;
}

function pathAndQuery(target: string): string {
  let start = 0;
  if (target.charCodeAt(0) !== SLASH) {
    const origin = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i.exec(target);
    if (!origin) return target;
    start = origin[0].length;
  }
  const hash = target.indexOf("#", start);
  const rest = start === 0 && hash === -1 ? target : target.slice(start, hash === -1 ? undefined : hash);
  return rest.charCodeAt(0) === SLASH ? rest : `/${rest}`;
}

const SLASH = 0x2f;
