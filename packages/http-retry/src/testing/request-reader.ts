// Requests out of a connection's bytes: as much of HTTP/1.1 as a client under test sends.

export interface RequestHead {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

export interface RequestSink {
  head(head: RequestHead): void;
  /** Bytes of the body, without their framing. */
  data(chunk: Buffer): void;
  end(): void;
}

export interface RequestReader {
  /** @throws Error when the bytes are not HTTP/1.1 */
  push(chunk: Buffer): void;
}

const CRLF = "\r\n";
const HEAD_END = CRLF + CRLF;

export function createRequestReader(sink: RequestSink): RequestReader {
  let buffered: Buffer = Buffer.alloc(0);
  // Each state reads what it can and returns whether it got to its end.
  let state: () => boolean = readHead;
  let left = 0;

  function take(length: number): Buffer {
    const taken = buffered.subarray(0, length);
    buffered = buffered.subarray(length);
    return taken;
  }

  function takeUntil(mark: string): string | undefined {
    const at = buffered.indexOf(mark);
    return at < 0
      ? undefined
      : take(at + mark.length)
          .toString("latin1")
          .slice(0, -mark.length);
  }

  function readHead(): boolean {
    const text = takeUntil(HEAD_END);
    if (text === undefined) return false;
    const head = parseHead(text);
    const isChunked = /\bchunked$/i.test(head.headers["transfer-encoding"] ?? "");
    left = isChunked ? 0 : lengthOf(head);
    state = isChunked ? readChunkSize : readBody;
    sink.head(head);
    return true;
  }

  function readBody(): boolean {
    if (!readLeft()) return false;
    sink.end();
    state = readHead;
    return true;
  }

  function readChunkSize(): boolean {
    const line = takeUntil(CRLF);
    if (line === undefined) return false;
    if (!/^[\da-f]+(;|$)/i.test(line)) throw new Error(`a chunk of the request has the size ${JSON.stringify(line)}`);
    left = Number.parseInt(line, 16);
    state = left > 0 ? readChunk : readTrailers;
    return true;
  }

  function readChunk(): boolean {
    if (!readLeft() || buffered.length < CRLF.length) return false;
    if (take(CRLF.length).toString() !== CRLF) throw new Error("a chunk of the request is longer than its size");
    state = readChunkSize;
    return true;
  }

  function readTrailers(): boolean {
    const line = takeUntil(CRLF);
    if (line === "") {
      sink.end();
      state = readHead;
    }
    return line !== undefined;
  }

  function readLeft(): boolean {
    const chunk = take(left);
    left -= chunk.length;
    if (chunk.length > 0) sink.data(chunk);
    return left === 0;
  }

  return {
    push(chunk) {
      buffered = buffered.length > 0 ? Buffer.concat([buffered, chunk]) : chunk;
      while (state());
    },
  };
}

function lengthOf({ headers }: RequestHead): number {
  const length = headers["content-length"] ?? "0";
  if (/^\d{1,15}$/.test(length)) return Number(length);
  throw new Error(`a request has the content-length ${JSON.stringify(length)}`);
}

function parseHead(text: string): RequestHead {
  const [requestLine = "", ...lines] = text.split("\r\n");
  const [, method, url] = /^(\S+) (\S+) HTTP\/1\.[01]$/.exec(requestLine) ?? [];
  if (method === undefined || url === undefined) {
    throw new Error(`a request begins with ${JSON.stringify(requestLine.slice(0, 100))}`);
  }
  const headers: Record<string, string> = Object.create(null);
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
  return { method, url, headers };
}
