import type { NodeRedisClient } from "@holdfast/core/redis";
import * as fc from "fast-check";
import { Cluster, type Redis } from "ioredis";
import { createClient, createClientPool, createCluster, createSentinel } from "redis";
import { describe, expect, expectTypeOf, test } from "vitest";
import { compileRules } from "../src/rule.ts";
import { type RedisClient, redisStore } from "../src/stores/redis.ts";
import { subjectName, subjectStart } from "../src/stores/redis-key.ts";
import { anyCodePoint } from "./arbitraries.ts";

describe("takes a client of", () => {
  test("ioredis: Redis and Cluster", () => {
    expectTypeOf<Redis>().toExtend<RedisClient>();
    expectTypeOf<Cluster>().toExtend<RedisClient>();
    const cluster = new Cluster([{ port: 1 }], { lazyConnect: true });
    expect(() => redisStore({ client: cluster })).not.toThrow();
  });

  test("redis: of a server, a pool, a cluster, and behind Sentinel", () => {
    const clients = [
      createClient(),
      createClientPool(),
      createCluster({ rootNodes: [] }),
      createSentinel({ name: "main", sentinelRootNodes: [] }),
    ];
    for (const client of clients) expect(() => redisStore({ client })).not.toThrow();
  });

  test.each([undefined, null, {}, { evalsha() {}, eval() {} }])("nothing else: %o", (client) => {
    expect(() => redisStore({ client: client as unknown as RedisClient })).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION", message: expect.stringContaining("ioredis") }),
    );
  });
});

/** A client of redis whose server answers as told. */
function answering(answer: (command: "EVALSHA" | "EVAL", keys: string[]) => unknown) {
  const commands: string[] = [];
  const reply = async (command: "EVALSHA" | "EVAL", { keys }: { keys: string[] }): Promise<unknown> => {
    commands.push(`${command} ${keys.length}`);
    return answer(command, keys);
  };
  const client: NodeRedisClient = {
    evalSha: (_sha, options) => reply("EVALSHA", options),
    eval: (_text, options) => reply("EVAL", options),
  };
  return { store: redisStore({ client }), commands };
}

const rules = compileRules("default", ["10/second"]);
const passed = (keys: string[]): number[] => keys.flatMap(() => [0, 0, 1000]);

describe("a server that", () => {
  test("does not know the script is sent its text", async () => {
    const { store, commands } = answering((command, keys) => {
      if (command === "EVALSHA") throw new Error("NOSCRIPT No matching script. Please use EVAL.");
      return passed(keys);
    });
    expect(await store.consume(rules, "k", 1)).toEqual({ outcome: "passed", blockedMs: 0, used: [1000] });
    expect(commands).toEqual(["EVALSHA 1", "EVAL 1"]);
  });

  test("says TRYAGAIN is asked once more, and no more than that", async () => {
    const { store, commands } = answering(() => {
      throw new Error("TRYAGAIN Multiple keys request during rehashing of slot");
    });
    await expect(store.consume(rules, "k", 1)).rejects.toThrow("TRYAGAIN");
    expect(commands).toEqual(["EVALSHA 1", "EVAL 1"]);
  });

  test("fails in another way is not asked again, and the error is its own", async () => {
    const failure = new Error("OOM command not allowed when used memory > 'maxmemory'.");
    const { store, commands } = answering(() => {
      throw failure;
    });
    await expect(store.consume(rules, "k", 1)).rejects.toBe(failure);
    expect(commands).toEqual(["EVALSHA 1"]);
  });

  test("is a cluster behind a single address gets the calls on each key by themselves from then on", async () => {
    const { store, commands } = answering((_command, keys) => {
      if (new Set(keys).size > 1) throw new Error("CROSSSLOT Keys in request don't hash to the same slot");
      return passed(keys);
    });
    const calls = ["a", "b", "a"].map((key) => ({ rules, key, cost: 1 }));
    for (const _ of [1, 2]) {
      const outcomes = (await store.consumeMany?.(calls))?.map(({ outcome }) => outcome);
      expect(outcomes).toEqual(["passed", "passed", "passed"]);
    }
    expect(commands).toEqual(["EVALSHA 3", "EVALSHA 2", "EVALSHA 1", "EVALSHA 2", "EVALSHA 1"]);
  });

  test.each([1000, "1000"])("answers a lone call that passed by a lone number is understood: %o", async (reply) => {
    const { store } = answering(() => reply);
    expect(await store.consume(rules, "k", 1)).toEqual({ outcome: "passed", blockedMs: 0, used: [1000] });
  });

  test("sends numbers as strings is understood", async () => {
    const { store } = answering(() => ["2", "250", "1000"]);
    expect(await store.peek(rules, "k")).toEqual({ outcome: "blocked", blockedMs: 250, used: [1000] });
  });
});

test("many calls share round trips, of at most a hundred of them", async () => {
  const { store, commands } = answering((_command, keys) => passed(keys));
  const calls = Array.from({ length: 250 }, (_, index) => ({ rules, key: `k${index}`, cost: 1 }));
  expect(await store.consumeMany?.(calls)).toHaveLength(250);
  expect(commands).toEqual(["EVALSHA 100", "EVALSHA 100", "EVALSHA 50"]);
});

test("a call leaves at once, and while it is on its way others gather until the event loop has come round", async () => {
  const answers: (() => void)[] = [];
  const { store, commands } = answering((_command, keys) => {
    return new Promise((resolve) => answers.push(() => resolve(passed(keys))));
  });
  const first = store.consume(rules, "a", 1);
  expect(commands).toEqual(["EVALSHA 1"]);
  const second = store.consume(rules, "b", 1);
  await new Promise(process.nextTick);
  const third = store.consume(rules, "c", 1);
  await new Promise(setImmediate);
  expect(commands).toEqual(["EVALSHA 1", "EVALSHA 2"]);
  for (const answer of answers) answer();
  await Promise.all([first, second, third]);
});

test("calls that have gathered leave with many that are made at once", async () => {
  const { store, commands } = answering((_command, keys) => passed(keys));
  const alone = ["a", "b"].map((key) => store.consume(rules, key, 1));
  const many = store.consumeMany?.(["c", "d"].map((key) => ({ rules, key, cost: 1 })));
  expect(commands).toEqual(["EVALSHA 1", "EVALSHA 3"]);
  await Promise.all([...alone, many]);
  await new Promise(setImmediate);
  expect(commands).toHaveLength(2);
});

test("the scripts that Redis has to keep have a bound, however many rule sets there are", async () => {
  const digests = new Set<string>();
  const client: NodeRedisClient = {
    async evalSha(sha) {
      digests.add(sha);
      return 1000;
    },
    eval: () => Promise.reject(new Error("not asked for")),
  };
  const store = redisStore({ client });
  for (let limit = 1; limit <= 200; limit++) await store.consume(compileRules("plans", [`${limit}/second`]), "k", 1);
  expect(digests.size).toBe(51);
});

test("no two subjects have the same name in Redis, and none is long", () => {
  const anyKey = fc.oneof(
    fc.string({ unit: anyCodePoint, minLength: 1 }),
    fc.string({
      unit: fc.constantFrom("\ud800", "\udc00", "\ufffd", "a", "{", "}", ":", "#", "\0", "\n"),
      minLength: 1,
    }),
    fc.string({ minLength: 190, maxLength: 400 }),
  );
  const anyId = fc.constantFrom("7:default:60/60000", "7:default:60/60000,1/1000", "1:a:1/1", "1:a:1/11");
  const anySubject = fc.tuple(anyId, anyKey);
  const nameOf = ([id, key]: [string, string]): string => subjectName(subjectStart("p:", id), key);
  fc.assert(
    fc.property(anySubject, anySubject, (one, other) => {
      const bytes = [one, other].map((subject) => Buffer.from(nameOf(subject)));
      expect(bytes[0]!.length).toBeLessThan(700);
      expect(bytes[0]!.equals(bytes[1]!)).toBe(one[0] === other[0] && one[1] === other[1]);
    }),
    { numRuns: 2000 },
  );
});

test("a key that reads as the digest of a long one is another subject", () => {
  const start = subjectStart("p:", "7:default:60/60000");
  const ofLong = subjectName(start, "x".repeat(1000));
  const digest = ofLong.slice(start.length + 1, -1);
  expect(digest).toHaveLength(43);
  for (const key of [digest, `#${digest}`, `${digest}}`]) expect(subjectName(start, key)).not.toBe(ofLong);
});
