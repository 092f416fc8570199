import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { ReadableStream } from "node:stream/web";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { BodyPieces } from "../src/body/byte-source.ts";
import { oneShotBody } from "../src/body/one-shot.ts";
import type { RequestBody } from "../src/body/request-body.ts";

const LIMIT = 1024;

/** What one attempt gets to send. */
async function send(body: RequestBody): Promise<string> {
  return text((await body.open()) as AsyncIterable<Uint8Array>);
}

/** An attempt that is over before its body is. */
async function sendPieces(body: RequestBody, count: number): Promise<void> {
  const pieces = ((await body.open()) as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  for (let sent = 0; sent < count; sent++) await pieces.next();
  await pieces.return?.();
}

async function* generate(...pieces: readonly string[]): AsyncGenerator<string, void> {
  yield* pieces;
}

/** A stream whose pieces come when the test says so. */
function controlled(): {
  readonly stream: ReadableStream<Uint8Array>;
  push(piece: string): void;
  fail(error: unknown): void;
} {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const stream = new ReadableStream<Uint8Array>(
    {
      start(given) {
        controller = given;
      },
    },
    { highWaterMark: 0 },
  );
  return {
    stream,
    push: (piece) => controller?.enqueue(Buffer.from(piece)),
    fail: (error) => controller?.error(error),
  };
}

const streams: readonly [string, (...pieces: readonly string[]) => BodyPieces][] = [
  ["a Node stream", (...pieces) => Readable.from(pieces)],
  ["a web stream", (...pieces) => ReadableStream.from(pieces.map((piece) => Buffer.from(piece)))],
  ["an async generator", generate],
  ["an iterable", (...pieces) => pieces],
];

test.each(streams)("%s is sent whole", async (_, stream) => {
  expect(await send(oneShotBody(stream("one ", "two ", "three"), LIMIT))).toBe("one two three");
});

test.each(streams)("%s that an attempt has sent in part is sent again from its first byte", async (_, stream) => {
  const body = oneShotBody(stream("one ", "two ", "three"), LIMIT);
  await sendPieces(body, 2);
  expect(body.isReplayable).toBe(true);
  expect(await send(body)).toBe("one two three");
  expect(await send(body)).toBe("one two three");
});

test("any number of attempts, broken off anywhere, send the same bytes", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string({ unit: "grapheme" })), fc.array(fc.nat(12)), async (pieces, breaks) => {
      const body = oneShotBody(generate(...pieces), 1024 * 1024);
      for (const count of breaks) await sendPieces(body, count);
      expect(await send(body)).toBe(pieces.join(""));
    }),
  );
});

test("is sent whole beyond the limit, but not again", async () => {
  const body = oneShotBody(generate("12345", "67890", "abc"), 9);
  await sendPieces(body, 1);
  expect(body.isReplayable).toBe(true);
  expect(await send(body)).toBe("1234567890abc");
  expect(body.isReplayable).toBe(false);
  expect(() => body.open()).toThrow(expect.objectContaining({ code: "BODY_NOT_REPLAYABLE" }));
});

test("with a limit of 0 is sent again only where nothing has been read", async () => {
  const body = oneShotBody(generate("12345"), 0);
  body.open();
  expect(body.isReplayable).toBe(true);
  await sendPieces(body, 1);
  expect(body.isReplayable).toBe(false);
});

test("exactly the limit is still kept", async () => {
  const body = oneShotBody(generate("12345", "67890"), 10);
  expect(await send(body)).toBe("1234567890");
  expect(await send(body)).toBe("1234567890");
});

test("what is kept stays as it was, though the stream uses its buffer again", async () => {
  async function* reusing(): AsyncGenerator<Uint8Array, void> {
    const buffer = Buffer.alloc(1);
    for (const letter of "abc") {
      buffer.write(letter);
      yield buffer;
    }
  }
  const body = oneShotBody(reusing(), LIMIT);
  await sendPieces(body, 3);
  expect(await send(body)).toBe("abc");
});

test("two attempts at once send the same bytes, each at its own pace", async () => {
  const body = oneShotBody(generate("1", "2", "3", "4"), LIMIT);
  expect(await Promise.all([send(body), send(body)])).toEqual(["1234", "1234"]);
});

test("beyond the limit the attempt that reads on has it alone, and the other never ends as if it were whole", async () => {
  const body = oneShotBody(generate("12345", "67890", "abc"), 5);
  const outcomes = await Promise.allSettled([send(body), send(body)]);
  expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  expect(outcomes).toContainEqual({ status: "fulfilled", value: "1234567890abc" });
});

test("an attempt that missed what went beyond the limit does not end as if it were whole, also when the stream has ended since", async () => {
  const body = oneShotBody(generate("12345", "67890"), 5);
  const pieces = ((await body.open()) as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  await pieces.next();
  expect(await send(body)).toBe("1234567890");
  await expect(pieces.next()).rejects.toMatchObject({ code: "BODY_NOT_REPLAYABLE" });
});

test("a piece that a dead attempt has asked for goes to the next", async () => {
  const { stream, push, fail } = controlled();
  const body = oneShotBody(stream, LIMIT);
  const dead = ((await body.open()) as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  void dead.next();
  const pieces = ((await body.open()) as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  const next = pieces.next();
  push("first");
  expect(Buffer.from((await next).value).toString()).toBe("first");
  fail("over");
  await expect(pieces.next()).rejects.toBe("over");
});

test.each([new Error("disk"), "text", undefined])("the stream's own error goes to the attempt: %s", async (error) => {
  async function* failing(): AsyncGenerator<string, void> {
    yield "half";
    throw error;
  }
  const body = oneShotBody(failing(), LIMIT);
  await expect(send(body)).rejects.toBe(error);
  expect(body.isReplayable).toBe(false);
  expect(() => body.open()).toThrow();
});

test("an error between two attempts goes to the next", async () => {
  const { stream, fail } = controlled();
  const body = oneShotBody(stream, LIMIT);
  const dead = ((await body.open()) as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  const asked = dead.next().catch(() => {});
  const next = body.open() as AsyncIterable<Uint8Array>;
  fail("lost");
  await asked;
  await expect(text(next)).rejects.toBe("lost");
});

test("pieces that are neither bytes nor text are refused by name", async () => {
  const body = oneShotBody(Readable.from([{ a: 1 }]), LIMIT);
  await expect(send(body)).rejects.toMatchObject({
    code: "INVALID_OPTION",
    message: expect.stringContaining("object"),
  });
});

test("typed arrays and array buffers are pieces too", async () => {
  const { buffer } = new Uint8Array([0x62, 0x63]);
  async function* odd(): AsyncGenerator<Uint8Array, void> {
    yield new Uint16Array([0x6161]) as unknown as Uint8Array;
    yield buffer as unknown as Uint8Array;
  }
  expect(await send(oneShotBody(odd(), LIMIT))).toBe("aabc");
});

test("close destroys a Node stream that nobody has begun to read, quietly", async () => {
  const stream = Readable.from(["a"]);
  oneShotBody(stream, LIMIT).close(new Error("aborted"));
  await turn();
  expect(stream.destroyed).toBe(true);
});

test("close ends a Node stream in mid-read with the reason", async () => {
  const stream = new Readable({ read() {} });
  const body = oneShotBody(stream, LIMIT);
  const sent = send(body);
  await turn();
  const reason = new Error("aborted");
  body.close(reason);
  await expect(sent).rejects.toBe(reason);
  expect(stream.destroyed).toBe(true);
});

test("close cancels a web stream in mid-read with the reason, and the attempt does not end as if it were whole", async () => {
  let cancelled: unknown;
  const stream = new ReadableStream<Uint8Array>({
    cancel(reason) {
      cancelled = reason;
    },
  });
  const body = oneShotBody(stream, LIMIT);
  const sent = send(body);
  await turn();
  body.close("aborted");
  await expect(sent).rejects.toBe("aborted");
  expect(cancelled).toBe("aborted");
});

test("close returns a generator, so that its finally runs", async () => {
  let isOver = false;
  async function* generator(): AsyncGenerator<string, void> {
    try {
      yield "a";
      yield "b";
    } finally {
      isOver = true;
    }
  }
  const body = oneShotBody(generator(), LIMIT);
  await sendPieces(body, 1);
  body.close();
  await turn();
  expect(isOver).toBe(true);
});

test("close survives a stream that fails to close", async () => {
  const body = oneShotBody(
    {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: false, value: "a" }),
        return: () => {
          throw new Error("no");
        },
      }),
    },
    LIMIT,
  );
  await sendPieces(body, 1);
  expect(() => body.close()).not.toThrow();
  await turn();
});

test("close lets a stream alone that has ended", async () => {
  const stream = Readable.from(["a"], { autoDestroy: false });
  const body = oneShotBody(stream, LIMIT);
  await send(body);
  body.close();
  expect(body.isReplayable).toBe(false);
});

test("an attempt that is beside the one that reads beyond the limit does not end when the stream does", async () => {
  const body = oneShotBody(generate("beyond the limit"), 4);
  const [first, beside] = [await body.open(), await body.open()].map((wire) =>
    (wire as AsyncIterable<Uint8Array>)[Symbol.asyncIterator](),
  );
  expect(await first!.next()).toMatchObject({ value: Buffer.from("beyond the limit") });
  expect(await first!.next()).toMatchObject({ done: true });
  await expect(beside!.next()).rejects.toMatchObject({ code: "BODY_NOT_REPLAYABLE" });
});
