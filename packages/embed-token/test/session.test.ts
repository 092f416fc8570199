import { describe, expect, it } from "vitest";
import { type ExchangeOptions, embedExchange, embedSession } from "../src/http/fetch.ts";
import { memoryTokenStore, type RevocationTarget } from "../src/index.ts";
import { DASHBOARDS, exchangeRequest, FRAME, setUpEmbedding } from "./embedding-support.ts";
import { silent } from "./failing-stores.ts";
import { badlySigned, ORIGIN } from "./support.ts";

function setUp(options: Partial<ExchangeOptions> = {}) {
  const store = memoryTokenStore();
  const setting = setUpEmbedding({ once: store, revocations: store });
  const { embedding } = setting;
  const exchange = embedExchange({ embedding, origin: DASHBOARDS, ...options });
  const data = embedSession({ embedding, dashboard: "sales" }, (_request, grant) => Response.json(grant.filters));
  const get = (headers: Readonly<Record<string, string>>, url = `${DASHBOARDS}/api/rows`): Promise<Response> =>
    data(new Request(url, { headers }));
  return { ...setting, exchange, get };
}

describe("the exchange", () => {
  it("answers a token with a session, kept nowhere on the way", async () => {
    const { exchange, issue } = setUp();
    const { token } = await issue({ scopes: ["view"] });
    const response = await exchange(exchangeRequest({ token, origin: ORIGIN, frame: FRAME }));
    expect(response.status).toBe(200);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.has("set-cookie")).toBe(false);
    expect(await response.json()).toEqual({
      session: expect.any(String),
      dashboard: "sales",
      scopes: ["view"],
      expiresIn: 300,
    });
  });

  it.each([
    ["another origin", { origin: "https://evil.example" }],
    ["a sandboxed page", { origin: "null" }],
    ["a page that does not say its origin", { origin: undefined }],
    ["what the browser calls another site", { "sec-fetch-site": "cross-site" }],
    ["what the browser calls the same site", { "sec-fetch-site": "same-site" }],
    ["a navigation", { "sec-fetch-dest": "document" }],
  ])("is not for %s", async (_, headers) => {
    const { exchange, issue, refusals } = setUp();
    const { token } = await issue();
    const response = await exchange(exchangeRequest({ token, origin: ORIGIN, frame: FRAME }, headers));
    expect(response.status).toBe(403);
    expect(refusals.map(({ reason }) => reason)).toEqual(["wrong-request"]);
    // And the token is still good.
    expect((await exchange(exchangeRequest({ token, origin: ORIGIN, frame: FRAME }))).status).toBe(200);
  });

  it.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", undefined])(
    "takes no %s, which any page can send without asking",
    async (type) => {
      const { exchange, issue } = setUp();
      const { token } = await issue();
      const response = await exchange(
        exchangeRequest({ token, origin: ORIGIN, frame: FRAME }, { "content-type": type ?? "" }),
      );
      expect(response.status).toBe(415);
    },
  );

  it("works where a browser sends no Fetch Metadata", async () => {
    const { exchange, issue } = setUp();
    const { token } = await issue();
    const headers = { "sec-fetch-site": undefined, "sec-fetch-dest": undefined };
    expect((await exchange(exchangeRequest({ token, origin: ORIGIN, frame: FRAME }, headers))).status).toBe(200);
  });

  it.each([
    ["no JSON", "{"],
    ["a list", "[]"],
    ["a member twice", `{"token":"a","token":"b","origin":"${ORIGIN}","frame":"${FRAME}"}`],
    ["no token", { origin: ORIGIN, frame: FRAME }],
    ["a token that is no text", { token: { text: "a" }, origin: ORIGIN, frame: FRAME }],
    ["an origin that is no text", { token: "a", origin: [ORIGIN], frame: FRAME }],
    ["no frame", { token: "a", origin: ORIGIN }],
    ["a frame that would end the cookie's name", { token: "a", origin: ORIGIN, frame: "a=b; Domain=evil.example" }],
    ["a dashboard that is no text", { token: "a", origin: ORIGIN, frame: FRAME, dashboard: 7 }],
    ["ancestors that are no list", { token: "a", origin: ORIGIN, frame: FRAME, ancestors: ORIGIN }],
    ["too many ancestors", { token: "a", origin: ORIGIN, frame: FRAME, ancestors: Array(33).fill(ORIGIN) }],
    ["what it does not know", { token: "a", origin: ORIGIN, frame: FRAME, admin: true }],
  ])("does not understand %s", async (_, body) => {
    const response = await setUp().exchange(exchangeRequest(body));
    expect(response.status).toBe(400);
  });

  it("reads no body of more than 64 KiB", async () => {
    const response = await setUp().exchange(exchangeRequest({ token: "a".repeat(65_536) }));
    expect(response.status).toBe(413);
  });

  it("is by POST, and not by a token in its URL", async () => {
    const { exchange, issue } = setUp();
    const { token } = await issue();
    const get = await exchange(new Request(`${DASHBOARDS}/embed/session`));
    expect([get.status, get.headers.get("allow")]).toEqual([405, "POST"]);
    const url = `${DASHBOARDS}/embed/session?token=${token}`;
    expect((await exchange(exchangeRequest({ token, origin: ORIGIN, frame: FRAME }, {}, url))).status).toBe(403);
  });

  it("gives one answer to every token that is refused", async () => {
    const { exchange, issue, clock, refusals } = setUp();
    const { token } = await issue();
    const body = { token, origin: ORIGIN, frame: FRAME };
    await exchange(exchangeRequest(body));
    const answers = [
      await exchange(exchangeRequest(body)),
      await exchange(exchangeRequest({ ...body, token: badlySigned(token) })),
      await exchange(exchangeRequest({ ...body, token: "yes" })),
      await exchange(exchangeRequest({ ...body, origin: "https://evil.example" })),
      await exchange(exchangeRequest({ ...body, origin: "null" })),
      await exchange(exchangeRequest({ ...body, dashboard: "costs" })),
      await exchange(exchangeRequest({ ...body, ancestors: ["https://evil.example"] })),
    ];
    clock.advance(65_000);
    answers.push(await exchange(exchangeRequest(body)));
    const seen = await Promise.all(
      answers.map(async (answer) => JSON.stringify([answer.status, ...answer.headers, await answer.text()])),
    );
    expect(new Set(seen).size).toBe(1);
    expect(answers[0]?.status).toBe(401);
    expect(new Set(refusals.map(({ reason }) => reason))).toEqual(
      new Set(["used", "wrong-signature", "malformed", "wrong-origin", "wrong-dashboard", "expired"]),
    );
  });

  it("does not count an ancestor against the token that the browser hides", async () => {
    const { exchange, issue } = setUp();
    const { token } = await issue();
    expect((await exchange(exchangeRequest({ token, origin: ORIGIN, frame: FRAME, ancestors: ["null"] }))).status).toBe(
      200,
    );
  });

  it("answers 503 where a store does not, so that the page tries again", async () => {
    const { embedding, issue } = setUpEmbedding({
      once: { mark: async () => Promise.reject(new Error("down")), close: async () => {} },
    });
    const { token } = await issue();
    const response = await embedExchange({ embedding, origin: DASHBOARDS })(
      exchangeRequest({ token, origin: ORIGIN, frame: FRAME }),
    );
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
  });

  it.each(["dashboards.example.com", "https://dashboards.example.com/", "null"])(
    "is not made for %s, which is no origin",
    (origin) => {
      expect(() => setUp({ origin })).toThrow("origin must be an origin");
    },
  );
});

describe("a session", () => {
  it("opens the data that it is for, to the page at the origin that it was opened for", async () => {
    const { get, open } = setUp();
    const session = await open({ filters: { region: "eu" } });
    const response = await get({ authorization: `Bearer ${session}`, "embed-origin": ORIGIN });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ region: "eu" });
  });

  it.each([
    ["no session", {}],
    ["another origin's frame", { "embed-origin": "https://evil.example" }],
    ["no origin", { "embed-origin": undefined }],
    ["a request that the browser says comes from elsewhere", { "sec-fetch-site": "cross-site" }],
    ["a request that a script did not make", { "sec-fetch-dest": "script" }],
  ])("opens nothing for %s", async (what, wrong) => {
    const { get, open } = setUp();
    const session = await open();
    const headers = {
      ...(what !== "no session" && { authorization: `Bearer ${session}` }),
      "embed-origin": ORIGIN,
      ...wrong,
    };
    const response = await get(JSON.parse(JSON.stringify(headers)) as Record<string, string>);
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe('Bearer error="invalid_token"');
  });

  it("opens nothing from a URL", async () => {
    const { get, open } = setUp();
    const session = await open();
    const headers = { authorization: `Bearer ${session}`, "embed-origin": ORIGIN };
    expect((await get(headers, `${DASHBOARDS}/api/rows?session=${session}`)).status).toBe(401);
  });

  it("is over when its token is revoked, as when its subject, dashboard or key is", async () => {
    for (const kind of ["token", "subject", "dashboard", "key"] as const) {
      const { embedding, issue, exchange, get } = setUp();
      const { token, id } = await issue();
      const response = await exchange(exchangeRequest({ token, origin: ORIGIN, frame: FRAME }));
      const { session } = (await response.json()) as { session: string };
      const headers = { authorization: `Bearer ${session}`, "embed-origin": ORIGIN };
      expect((await get(headers)).status).toBe(200);
      const ids = { token: id, subject: "user-7", dashboard: "sales", key: "k1" };
      await embedding.revoke({ [kind]: ids[kind] } as RevocationTarget);
      expect((await get(headers)).status, kind).toBe(401);
    }
  });

  it("is for one dashboard", async () => {
    const { get, open } = setUp();
    const session = await open({ dashboard: "costs" });
    expect((await get({ authorization: `Bearer ${session}`, "embed-origin": ORIGIN })).status).toBe(401);
  });
});

describe("a session in a cookie", () => {
  async function opened(setting: ReturnType<typeof setUp>, frame = FRAME): Promise<string> {
    const { token } = await setting.issue();
    const response = await setting.exchange(exchangeRequest({ token, origin: ORIGIN, frame }));
    expect(await response.json()).toEqual({ dashboard: "sales", scopes: [], expiresIn: 300 });
    return response.headers.get("set-cookie") ?? "";
  }

  it("is for this host, over TLS, out of reach of scripts, and kept for each site around the frame", async () => {
    const cookie = await opened(setUp({ keptAs: "cookie" }));
    expect(cookie).toMatch(
      /^__Host-embed-0123456789abcdef0123456789abcdef=[\w.-]+; Path=\/; Max-Age=300; Secure; HttpOnly; SameSite=None; Partitioned$/,
    );
  });

  it("opens the data to the frame that it was opened in, and at its origin alone", async () => {
    const setting = setUp({ keptAs: "cookie" });
    const [cookie = ""] = (await opened(setting)).split(";");
    const other = "f".repeat(32);
    const statuses = [
      { cookie, "embed-frame": FRAME, "embed-origin": ORIGIN },
      { cookie: `a=b; ${cookie}; c=d`, "embed-frame": FRAME, "embed-origin": ORIGIN },
      // Another port of the same site shares the browser's partition.
      { cookie, "embed-frame": FRAME, "embed-origin": `${ORIGIN}:8443` },
      { cookie, "embed-frame": FRAME, "embed-origin": "https://other.example.org" },
      { cookie, "embed-frame": FRAME },
      { cookie, "embed-frame": other, "embed-origin": ORIGIN },
      { cookie, "embed-origin": ORIGIN },
      { cookie: `${cookie}; ${cookie}x`, "embed-frame": FRAME, "embed-origin": ORIGIN },
      { cookie, "embed-frame": FRAME, "embed-origin": ORIGIN, authorization: "Bearer x" },
    ].map(async (headers) => (await setting.get(headers as Record<string, string>)).status);
    expect(await Promise.all(statuses)).toEqual([200, 200, 401, 401, 401, 401, 401, 401, 401]);
  });

  it("is not opened where browsers would drop the cookie for its size, and it is said how to mend that", async () => {
    const logged: unknown[] = [];
    const logger = { ...silent, error: (...line: unknown[]) => void logged.push(line) };
    const setting = setUp({ keptAs: "cookie", logger });
    const openedWith = async (length: number): Promise<Response> => {
      const { token } = await setting.issue({ filters: { region: "x".repeat(length) } });
      return await setting.exchange(exchangeRequest({ token, origin: ORIGIN, frame: FRAME }));
    };
    // The cookie grows by one or two bytes with each character.
    let [length, largest] = [2400, 0];
    let response = await openedWith(length);
    for (; response.status === 200; response = await openedWith(++length)) {
      largest = response.headers.get("set-cookie")?.length ?? 0;
    }
    expect([4095, 4096]).toContain(largest);
    expect([response.status, response.headers.has("set-cookie")]).toEqual([413, false]);
    const { detail } = (await response.json()) as { detail: string };
    expect(detail).toMatch(
      /^The session's cookie would have 409[78] bytes, and browsers keep 4096: give the token fewer filters and scopes, or keep sessions as bearer$/,
    );
    const request = { address: undefined, requestId: undefined, method: "POST", path: "/embed/session" };
    expect(setting.refusals).toEqual([{ ...request, kind: "session", reason: "too-large" }]);
    expect(logged).toMatchObject([[{ error: { code: "SESSION_TOO_LARGE", message: detail } }, expect.any(String)]]);

    const bearer = setUp();
    const { token } = await bearer.issue({ filters: { region: "x".repeat(length) } });
    expect((await bearer.exchange(exchangeRequest({ token, origin: ORIGIN, frame: FRAME }))).status).toBe(200);
  });

  it("leaves that of another frame alone", async () => {
    const setting = setUp({ keptAs: "cookie" });
    const names = [await opened(setting), await opened(setting, "f".repeat(32))].map((cookie) => cookie.split("=")[0]);
    expect(new Set(names).size).toBe(2);
  });
});
