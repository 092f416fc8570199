// What all four sources share, with clients written by hand: the smallest type is enough.

import { getEventListeners } from "node:events";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import type { Source } from "../../src/source.ts";
import { secretsManager } from "../../src/sources/aws-secrets-manager.ts";
import { type SsmClient, ssmParameters } from "../../src/sources/aws-ssm.ts";
import { gcpSecrets } from "../../src/sources/gcp-secret-manager.ts";
import { vaultKv } from "../../src/sources/vault.ts";
import { failureOf, load } from "./loopback.ts";

const VARIABLES = Array.from({ length: 200 }, (_, n) => `VAR_${n}`);
const PATHS = Object.fromEntries(VARIABLES.map((name) => [name, `path/${name}`]));

/** A store of JSON objects; keeps the batches that it was asked for. */
function storeOf(contents: Readonly<Record<string, object>>): SsmClient & { readonly asked: string[][] } {
  const asked: string[][] = [];
  return {
    asked,
    async getParameters({ Names }) {
      asked.push(Names);
      return {
        Parameters: Names.filter((name) => name in contents).map((name) => ({
          Name: name,
          Value: JSON.stringify(contents[name]),
          Version: 1,
        })),
        InvalidParameters: Names.filter((name) => !(name in contents)),
      };
    },
  };
}

test("asks for each entry of a listed and declared variable exactly once, in batches that fit, whatever the map", async () => {
  const variable = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,3}$/);
  const place = fc.record({ entry: fc.stringMatching(/^[a-z]{1,2}$/), field: fc.constantFrom("x", "y", "z") });
  const maps = fc.dictionary(variable, place, { maxKeys: 60 });
  await fc.assert(
    fc.asyncProperty(
      maps,
      fc.array(variable),
      fc.array(fc.stringMatching(/^[a-z]{1,2}$/)),
      async (map, more, stored) => {
        const declared = [...new Set([...Object.keys(map).filter((_, n) => n % 3 !== 0), ...more])];
        const client = storeOf(
          Object.fromEntries(stored.map((entry) => [entry, { x: `${entry}.x`, y: `${entry}.y` }])),
        );
        const names = Object.fromEntries(
          Object.entries(map).map(([name, { entry, field }]) => [name, `${entry}#${field}`]),
        );

        const found = await load(ssmParameters({ client, names }), declared);

        const wanted = declared.filter((name) => Object.hasOwn(map, name));
        expect(client.asked.flat().sort()).toEqual([...new Set(wanted.map((name) => map[name]!.entry))].sort());
        expect(client.asked.every((batch) => batch.length >= 1 && batch.length <= 10)).toBe(true);
        expect(Object.keys(found).sort()).toEqual([...wanted].sort());
        for (const name of wanted) {
          const { entry, field } = map[name]!;
          const value = stored.includes(entry) && field !== "z" ? `${entry}.${field}` : undefined;
          expect(found[name]).toEqual(value && { value, origin: `ssm:${entry}#${field}`, version: "1" });
        }
      },
    ),
  );
});

test("has one listener on the signal while calls are under way, and none afterwards", async () => {
  const { signal } = new AbortController();
  const listeners: number[] = [];
  const store = storeOf({});
  const client: SsmClient = {
    getParameters: async (request, options) => {
      // As the SDKs do.
      options.abortSignal.addEventListener("abort", () => {});
      listeners.push(getEventListeners(signal, "abort").length);
      return store.getParameters(request, options);
    },
  };
  await load(ssmParameters({ client }), VARIABLES.slice(0, 40), signal);
  expect(listeners).toEqual([1, 1, 1, 1]);
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

test("leaves no listener on the signal when the load fails", async () => {
  const { signal } = new AbortController();
  const client: SsmClient = { getParameters: () => Promise.reject(new Error("no")) };
  await failureOf(load(ssmParameters({ client }), ["A"], signal));
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

test("makes no call when the signal has aborted before", async () => {
  const client = storeOf({});
  const reason = new Error("too late");
  expect(await failureOf(load(ssmParameters({ client }), ["A"], AbortSignal.abort(reason)))).toBe(reason);
  expect(client.asked).toEqual([]);
});

/** Each source with a client whose calls all wait for the one promise, and the number of calls that it may have under way. */
const WAITING: readonly [name: string, calls: number, (call: () => Promise<never>) => Source][] = [
  ["ssmParameters", 4, (call) => ssmParameters({ client: { getParameters: call } })],
  ["secretsManager", 4, (call) => secretsManager({ client: { batchGetSecretValue: call } })],
  ["gcpSecrets", 8, (call) => gcpSecrets({ client: { accessSecretVersion: call }, project: "p" })],
  ["vaultKv", 8, (call) => vaultKv({ client: { read: call }, names: PATHS })],
];

test.each(WAITING)("%s has %i calls under way and starts no other before one has ended", async (_, calls, sourceOf) => {
  const gate = Promise.withResolvers<never>();
  const read = vi.fn(() => gate.promise);
  const loading = load(sourceOf(read), VARIABLES);
  await new Promise(setImmediate);
  expect(read).toHaveBeenCalledTimes(calls);
  gate.reject(new Error());
  await failureOf(loading);
  expect(read.mock.calls.length).toBeGreaterThan(calls);
});

test.each(WAITING)("%s makes no further call after an abort, though its client goes on", async (_, calls, sourceOf) => {
  const gate = Promise.withResolvers<never>();
  const read = vi.fn(() => gate.promise);
  const controller = new AbortController();
  const loading = load(sourceOf(read), VARIABLES, controller.signal);
  await new Promise(setImmediate);
  controller.abort();
  await failureOf(loading);
  gate.reject(new Error());
  await new Promise(setImmediate);
  expect(read).toHaveBeenCalledTimes(calls);
});

test("lets a call that fails after the abort go by", async () => {
  const call = Promise.withResolvers<never>();
  const controller = new AbortController();
  const loading = load(ssmParameters({ client: { getParameters: () => call.promise } }), ["A"], controller.signal);
  const reason = new Error("time is up");
  controller.abort(reason);
  call.reject(new Error("late"));
  expect(await failureOf(loading)).toBe(reason);
});

test.each([
  ["nothing", undefined, "unknown error (A)"],
  ["a string", "hunter2", "unknown error (A)"],
  [
    "an error whose code is no word",
    Object.assign(new Error(), { code: "hunter2 = x", name: "a b" }),
    "unknown error (A)",
  ],
  ["an error with a status alone", Object.assign(new Error(), { $metadata: { httpStatusCode: 502 } }), "HTTP 502 (A)"],
])("names what it can when a client rejects with %s", async (_, thrown, message) => {
  const client: SsmClient = { getParameters: () => Promise.reject(thrown) };
  expect(await failureOf(load(ssmParameters({ client }), ["A"]))).toEqual(new Error(message));
});

test("hands the time limit to the loader", () => {
  expect(ssmParameters({ client: storeOf({}), timeoutMs: 1500 }).timeoutMs).toBe(1500);
  expect(ssmParameters({ client: storeOf({}) })).not.toHaveProperty("timeoutMs");
});
