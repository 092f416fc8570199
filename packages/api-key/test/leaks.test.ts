import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type Leak, type LeakAlertsOptions, leakAlerts } from "../src/http/leaks.ts";
import { setUp } from "./support.ts";

const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const PEM = publicKey.export({ type: "spki", format: "pem" }).toString();

function alert(
  body: string,
  changes: { id?: string; signature?: string; key?: KeyObject; method?: string } = {},
): Request {
  const signature =
    changes.signature ?? sign("sha256", Buffer.from(body), changes.key ?? privateKey).toString("base64");
  return new Request("https://api.example.com/leaks", {
    method: changes.method ?? "POST",
    ...(changes.method !== "GET" && { body }),
    headers: {
      "github-public-key-identifier": changes.id ?? "k1",
      "github-public-key-signature": signature,
      "content-type": "application/json",
    },
  });
}

function receiver(options: Partial<LeakAlertsOptions> = {}) {
  const setting = setUp();
  const leaks: Leak[] = [];
  const lookUps: string[] = [];
  const onLeak = leakAlerts({
    keys: setting.keys,
    publicKey: async (id) => {
      lookUps.push(id);
      return id === "k1" ? PEM : undefined;
    },
    notify: (leak) => void leaks.push(leak),
    ...options,
  });
  return { ...setting, leaks, lookUps, onLeak };
}

const finding = (token: string) => ({ token, type: "acme_live", url: "https://example.com/x#L1", source: "commit" });

describe("an alert of a leaked key", () => {
  it("revokes the key, tells of its owner, and says which findings were keys", async () => {
    const { create, keys, onLeak, leaks, told } = receiver();
    const { plain, key } = await create();
    const body = JSON.stringify([finding(plain), finding("acme_live_nonsense")]);
    const response = await onLeak(alert(body));
    expect(response.status).toBe(200);
    const text = await response.text();
    expect(JSON.parse(text).map((one: { label: string }) => one.label)).toEqual(["true_positive", "false_positive"]);
    expect(text).not.toContain(plain);
    expect(await keys.verify(plain)).toMatchObject({ ok: false, reason: "revoked" });
    expect(leaks).toMatchObject([{ key: { id: key.id, owner: "team-7" }, wasLive: true, source: "commit" }]);
    expect(told.at(-2)).toMatchObject(["changed", { change: "revoked", because: "found in public" }]);
  });

  it("does no harm twice", async () => {
    const { create, onLeak, leaks, told } = receiver();
    const { plain } = await create();
    const body = JSON.stringify([finding(plain)]);
    await onLeak(alert(body));
    expect((await onLeak(alert(body))).status).toBe(200);
    expect(leaks.map(({ wasLive }) => wasLive)).toEqual([true, false]);
    expect(
      told.filter(([name, event]) => name === "changed" && "change" in event && event.change === "revoked"),
    ).toHaveLength(1);
  });

  it("is nothing without the sender's signature over the very bytes", async () => {
    const { create, keys, onLeak } = receiver();
    const { plain } = await create();
    const body = JSON.stringify([finding(plain)]);
    const signature = sign("sha256", Buffer.from(body), privateKey).toString("base64");
    const other = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
    const forged: Request[] = [
      alert(body, { key: other }),
      alert(body, { id: "k2" }),
      alert(body, { id: "../k1" }),
      alert(body, { signature: "" }),
      alert(body, { signature: signature.slice(0, -4) }),
      alert(body, { signature: `${signature}AAAA` }),
      // Parsed and written out again, which is what the signature would be of in a careless receiver.
      alert(JSON.stringify(JSON.parse(body), null, 1), { signature }),
      alert(`${body} `, { signature }),
    ];
    for (const request of forged) expect((await onLeak(request)).status).toBe(401);
    expect(await keys.verify(plain)).toMatchObject({ ok: true });
  });

  it("takes no key of another kind for the sender's", async () => {
    const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const pem = rsa.publicKey.export({ type: "spki", format: "pem" }).toString();
    const { onLeak } = receiver({ publicKey: () => pem });
    expect((await onLeak(alert("[]", { key: rsa.privateKey }))).status).toBe(401);
  });

  it("looks up no identifier that is none", async () => {
    const { onLeak, lookUps } = receiver();
    for (const id of ["", "../x", "a b", "x".repeat(129)]) await onLeak(alert("[]", { id }));
    expect(lookUps).toEqual([]);
  });

  it.each(["{}", "null", "not JSON", '[{"token":{"$ne":1},"type":"t"}]', '[{"type":"t"}]', "[null]"])(
    "is refused where it is %s, though it is signed",
    async (body) => {
      expect((await receiver().onLeak(alert(body))).status).toBe(400);
    },
  );

  it("is refused where it is too long, or no POST", async () => {
    const { onLeak } = receiver();
    expect((await onLeak(alert(JSON.stringify("x".repeat(1024 * 1024))))).status).toBe(413);
    expect((await onLeak(alert("", { method: "GET" }))).status).toBe(405);
    expect((await onLeak(alert(JSON.stringify(Array.from({ length: 1001 }, () => finding("x")))))).status).toBe(400);
  });

  it("revokes, though the owner can't be told", async () => {
    const notify = () => Promise.reject(new Error("no mail today"));
    const { create, keys, onLeak } = receiver({ notify });
    const { plain } = await create();
    expect((await onLeak(alert(JSON.stringify([finding(plain)])))).status).toBe(200);
    expect(await keys.verify(plain)).toMatchObject({ ok: false, reason: "revoked" });
  });
});
