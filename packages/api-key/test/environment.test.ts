import { createHash } from "node:crypto";
import { inspect } from "node:util";
import { Secret } from "@holdfast/core";
import { describe, expect, it } from "vitest";
import {
  createApiKeys,
  createKeyFormat,
  type EnvironmentKeyStoreOptions,
  environmentKeyStore,
  memoryKeyStore,
} from "../src/index.ts";
import { hashedEntry } from "../src/stores/environment.ts";
import { NOW } from "./support.ts";

const format = createKeyFormat({ prefix: "acme", environments: ["live", "test"] });
const FOREIGN = "q7Zr2-Kx9!pW4_vB8@nM3#tY6$hJ1%dF5";
const scopes = ["datasets:read"];

function keysOf(keys: EnvironmentKeyStoreOptions["keys"], options: Partial<EnvironmentKeyStoreOptions> = {}) {
  const warnings: unknown[] = [];
  const logger = { trace() {}, debug() {}, info() {}, warn: (...args: unknown[]) => warnings.push(args), error() {} };
  const store = environmentKeyStore({ keys, scopes, logger, production: true, ...options });
  return { keys: createApiKeys({ prefix: "acme", store }), store, warnings };
}

describe("keys of the environment", () => {
  it("are read from a list with commas, blanks around them allowed", async () => {
    const [one, two] = [format.make("live"), format.make("live")];
    const { keys } = keysOf(` ${one.text},${FOREIGN} ,, ${two.text}\n`);
    for (const text of [one.text, two.text, FOREIGN]) {
      expect(await keys.verify(text, { scope: "datasets:read" })).toMatchObject({ ok: true });
      expect(await keys.verify(text, { scope: "datasets:write" })).toMatchObject({
        ok: false,
        reason: "missing-scope",
      });
    }
    expect((await keys.list()).map(({ id }) => id)).toContain(one.id);
  });

  it("are none where there is nothing", async () => {
    for (const nothing of [undefined, "", " , "]) {
      const { keys } = keysOf(nothing);
      expect(await keys.list()).toEqual([]);
      expect((await keys.verify(FOREIGN)).ok).toBe(false);
      expect((await keys.verify(format.make("live").text)).ok).toBe(false);
    }
  });

  it("may be hashed, so that the environment holds no key", async () => {
    const { id, text } = format.make("live");
    const { keys } = keysOf(`${hashedEntry(text, undefined)},${hashedEntry(FOREIGN, "reports")}`);
    expect(await keys.verify(text)).toMatchObject({ ok: true, key: { id, environment: "live" } });
    expect(await keys.verify(FOREIGN)).toMatchObject({ ok: true, key: { id: "reports", owner: "reports" } });
    expect(hashedEntry(FOREIGN, "reports")).toBe(
      `sha256:reports:${createHash("sha256").update(FOREIGN).digest("hex")}`,
    );
    expect(hashedEntry(text, "ignored")).toContain(`sha256:live_${id}:`);
  });

  it("may be a Secret", async () => {
    const { keys } = keysOf(new Secret(FOREIGN));
    expect((await keys.verify(FOREIGN)).ok).toBe(true);
  });

  it("may have rights, limits and owners of their own, by id", async () => {
    const { keys } = keysOf(`sha256:reports:${"0".repeat(64)},${hashedEntry(FOREIGN, "sales")}`, {
      named: { sales: { scopes: ["reports:*"], limits: { dataset: ["sales"] }, owner: "team-7" } },
    });
    const ask = { scope: "reports:read", limits: { dataset: "sales" } };
    expect(await keys.verify(FOREIGN, ask)).toMatchObject({ ok: true, key: { owner: "team-7" } });
    expect(await keys.verify(FOREIGN, { scope: "datasets:read" })).toMatchObject({ ok: false });
    expect(await keys.find("reports")).toMatchObject({ scopes, owner: "reports" });
  });

  it("that were made here are of their environment", async () => {
    const { keys } = keysOf(format.make("live").text);
    const { text } = format.make("test");
    expect(await keysOf(text).keys.verify(text)).toMatchObject({ ok: false, reason: "wrong-environment" });
    expect(await keys.verify(text)).toMatchObject({ ok: false });
  });

  it("are accepted letter by letter only", async () => {
    const { keys } = keysOf(FOREIGN);
    for (const text of [FOREIGN.toUpperCase(), ` ${FOREIGN}`, `${FOREIGN}\n`, FOREIGN.slice(1), `${FOREIGN}x`, "é"]) {
      expect((await keys.verify(text)).ok, text).toBe(false);
    }
    expect(await keys.identify(FOREIGN)).toMatchObject({ id: expect.stringMatching(/^env-[0-9a-f]{8}$/) });
    expect(await keys.identify("x")).toBeUndefined();
  });

  it("can't be changed from here", async () => {
    const { id, text } = format.make("live");
    const { keys, store } = keysOf(text);
    const readOnly = expect.objectContaining({ code: "READ_ONLY" });
    await expect(keys.create({ name: "a", owner: "b" })).rejects.toThrow(readOnly);
    await expect(keys.rotate(id)).rejects.toThrow(readOnly);
    await expect(keys.revoke(id)).rejects.toThrow(readOnly);
    await expect(store.add([])).rejects.toThrow(readOnly);
    expect((await keys.verify(text)).ok).toBe(true);
  });

  it("are not put under a pepper, and work beside one", async () => {
    const store = environmentKeyStore({ keys: FOREIGN, scopes, production: true });
    const keys = createApiKeys({ prefix: "acme", store, peppers: [{ id: "p", key: Buffer.from(FOREIGN) }] });
    expect((await keys.verify(FOREIGN)).ok).toBe(true);
    await keys.close();
    expect((await keys.verify(FOREIGN)).ok).toBe(true);
  });

  it("are not those of a store without foreign keys", async () => {
    const keys = createApiKeys({ prefix: "acme", store: memoryKeyStore() });
    expect(await keys.verify(FOREIGN)).toEqual({ ok: false, reason: "malformed" });
  });
});

describe("the key for development", () => {
  it("works outside production, and is warned of", async () => {
    const { keys, warnings } = keysOf("dev-key-12345", { production: false });
    expect(await keys.verify("dev-key-12345")).toMatchObject({ ok: true, key: { id: "dev-key" } });
    expect(warnings).toEqual([[{ keyId: "dev-key" }, expect.stringContaining("is the one for development")]]);
  });

  it("is refused in production, which is what NODE_ENV says", () => {
    expect(() => keysOf("dev-key-12345")).toThrow(/^Key 1 of the environment is the one for development/);
    const before = process.env["NODE_ENV"];
    try {
      process.env["NODE_ENV"] = "production";
      expect(() => environmentKeyStore({ keys: "dev-key-12345", scopes })).toThrow(/is the one for development/);
    } finally {
      process.env["NODE_ENV"] = before;
    }
  });

  it("works nowhere unless it is in the list", async () => {
    expect((await keysOf("", { production: false }).keys.verify("dev-key-12345")).ok).toBe(false);
  });
});

describe("a list that won't do", () => {
  it.each([
    ["a weak key in production", "hunter2", "can be guessed"],
    ["a long key without variety", "a".repeat(40), "can be guessed"],
    ["a key with a blank inside", "two words", "is not of 1 to 256 printable characters"],
    ["a key that is not ASCII", "schlüssel".repeat(5), "is not of 1 to 256 printable characters"],
    ["half a hash", `sha256:reports:${"0".repeat(63)}`, "is not of the form sha256:ID:HEX"],
    ["a hash without a name", `sha256:${"0".repeat(64)}`, "is not of the form sha256:ID:HEX"],
    ["a hash under a name that won't do", `sha256:a b:${"0".repeat(64)}`, "is not of the form sha256:ID:HEX"],
    ["the same key twice", `${FOREIGN},${FOREIGN}`, "is there twice"],
    ["one name twice", `sha256:a:${"0".repeat(64)},sha256:a:${"1".repeat(64)}`, "is there twice"],
  ])("is refused for %s, by its place and never with the key", (_, list, message) => {
    const make = () => keysOf(list);
    expect(make).toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
    expect(make).toThrow(message);
    expect(make).not.toThrow(list.slice(0, 12));
  });

  it("is warned of outside production where only its keys are weak", () => {
    const { warnings } = keysOf("hunter2", { production: false });
    expect(warnings).toEqual([[{ keyId: expect.any(String) }, expect.stringContaining("can be guessed")]]);
    expect(inspect(warnings)).not.toContain("hunter2");
  });

  it("is refused for scopes and limits that are none", () => {
    const invalid = expect.objectContaining({ code: "INVALID_SCOPE" });
    expect(() => keysOf(FOREIGN, { scopes: ["**"] })).toThrow(invalid);
    expect(() => keysOf(FOREIGN, { named: { x: { scopes: ["a"] } } })).toThrow(invalid);
    expect(() => keysOf(FOREIGN, { limits: { dataset: "sales" } as never })).toThrow(invalid);
  });
});

it("a key that is no text, or has no name, is not hashed", () => {
  expect(() => hashedEntry("two words", "a")).toThrow(/1 to 256 printable characters/);
  expect(() => hashedEntry(FOREIGN, undefined)).toThrow(/needs a name/);
  expect(() => hashedEntry(FOREIGN, "a:b")).toThrow(/needs a name/);
});

it("the last use of a key of the environment is known in this process", async () => {
  const store = environmentKeyStore({ keys: FOREIGN, scopes, production: true });
  const clock = { now: () => NOW, monotonic: () => 0, schedule: () => () => {} };
  const keys = createApiKeys({ prefix: "acme", store, clock });
  await keys.verify(FOREIGN);
  await keys.close();
  expect((await keys.list())[0]?.lastUsedAt).toBe(NOW);
});
