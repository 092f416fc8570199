import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { inBatches } from "../src/stores/postgres-batches.ts";

/** Answers a call with itself, when it is told to. */
function setUp(options = { lanes: 2, most: 3 }) {
  const sent: { readonly calls: readonly string[]; answer(): Promise<void>; fail(error: Error): Promise<void> }[] = [];
  const ask = inBatches<string, string>((calls) => {
    const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>();
    sent.push({
      calls,
      answer() {
        resolve(calls);
        return turn();
      },
      fail(error) {
        reject(error);
        return turn();
      },
    });
    return promise;
  }, options);
  return { ask, sent, callsSent: () => sent.map(({ calls }) => calls.join("")) };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("calls in batches", () => {
  it("go alone while there is a free lane", async () => {
    const { ask, callsSent } = setUp();
    void ask("a");
    await turn();
    void ask("b");
    await turn();
    expect(callsSent()).toEqual(["a", "b"]);
  });

  it("go together when they are made at once, and each gets its own answer", async () => {
    const { ask, sent, callsSent } = setUp();
    const answers = Promise.all(["a", "b", "c"].map((call) => ask(call)));
    await turn();
    expect(callsSent()).toEqual(["abc"]);
    await sent[0]?.answer();
    expect(await answers).toEqual(["a", "b", "c"]);
  });

  it("wait while every lane is taken, and then go together, as many as may", async () => {
    const { ask, sent, callsSent } = setUp({ lanes: 1, most: 3 });
    void ask("a");
    await turn();
    for (const call of "bcdef") {
      void ask(call);
      await turn();
    }
    expect(callsSent()).toEqual(["a"]);
    await sent[0]?.answer();
    expect(callsSent()).toEqual(["a", "bcd"]);
    await sent[1]?.answer();
    expect(callsSent()).toEqual(["a", "bcd", "ef"]);
  });

  it("reject together, and those after them go on", async () => {
    const { ask, sent, callsSent } = setUp({ lanes: 1, most: 3 });
    const failing = Promise.allSettled([ask("a"), ask("b")]);
    await turn();
    const next = ask("c");
    const error = new Error("lost");
    await sent[0]?.fail(error);
    expect((await failing).map((result) => result.status === "rejected" && result.reason)).toEqual([error, error]);
    expect(callsSent()).toEqual(["ab", "c"]);
    await sent[1]?.answer();
    expect(await next).toBe("c");
  });

  it("are never sent if they are aborted while they wait", async () => {
    const { ask, sent, callsSent } = setUp({ lanes: 1, most: 3 });
    void ask("a");
    await turn();
    const abort = new AbortController();
    const aborted = expect(ask("b", abort.signal)).rejects.toThrow("gone");
    const kept = ask("c");
    abort.abort(new Error("gone"));
    await aborted;
    await sent[0]?.answer();
    await sent[1]?.answer();
    expect(callsSent()).toEqual(["a", "c"]);
    expect(await kept).toBe("c");
  });

  it("leave no listener on a signal, however they end", async () => {
    const { ask, sent } = setUp();
    const { signal } = new AbortController();
    const answered = ask("a", signal);
    await turn();
    const failed = expect(ask("b", signal)).rejects.toThrow("lost");
    await turn();
    await sent[0]?.answer();
    await sent[1]?.fail(new Error("lost"));
    await Promise.all([answered, failed]);
    await turn();
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
});
