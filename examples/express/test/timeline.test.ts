import { createManualClock } from "@holdfast/core";
import { describe, expect, it, onTestFinished } from "vitest";
import { startTimelineApi, type TimelineOptions } from "../src/timeline/api.ts";

async function start(options: Partial<TimelineOptions> = {}) {
  const clock = createManualClock(Date.UTC(2026, 0, 1));
  const api = await startTimelineApi({ users: ["ada"], posts: 5, clock, ...options });
  onTestFinished(() => api.close());
  const get = (query = "", user = "ada"): Promise<Response> => fetch(`${api.url}/users/${user}/posts${query}`);
  const idsOf = async (query: string): Promise<readonly string[]> => {
    const text = await (await get(query)).text();
    return [...text.matchAll(/"id":(\d+)/g)].map(([, id = ""]) => id);
  };
  return { api, clock, get, idsOf };
}

describe("the timeline API", () => {
  it("gives the newest posts first, with ids that no double holds", async () => {
    const { api, get, idsOf } = await start();
    const ids = await idsOf("");
    expect(ids).toEqual(api.posts("ada").map(({ id }) => String(id)));
    expect(ids.toSorted((a, b) => Number(BigInt(b) - BigInt(a)))).toEqual(ids);
    expect(Number.isSafeInteger(Number(ids[0]))).toBe(false);
    expect((await get("", "nobody")).status).toBe(404);
  });

  it("gives what is above since_id and up to max_id, at most limit", async () => {
    const { api, idsOf } = await start();
    const [, second, , fourth] = api.posts("ada").map(({ id }) => String(id));
    expect(await idsOf(`?since_id=${fourth}&max_id=${second}`)).toHaveLength(2);
    expect(await idsOf(`?max_id=${second}&limit=1`)).toEqual([second]);
  });

  it("shows what is said meanwhile at the top", async () => {
    const { api, clock, idsOf } = await start();
    const before = await idsOf("");
    clock.advance(1000);
    api.post("ada");
    const after = await idsOf("");
    expect(after.slice(1)).toEqual(before);
  });

  it("refuses what is too fast with 429, and says when to come again", async () => {
    const { api, clock, get } = await start({ limit: { requests: 2, windowMs: 1500 } });
    const statuses = [await get(), await get(), await get()].map(({ status, headers }) => [
      status,
      headers.get("retry-after"),
    ]);
    expect(statuses).toEqual([
      [200, null],
      [200, null],
      [429, "2"],
    ]);
    clock.advance(1500);
    expect((await get()).status).toBe(200);
    expect(api.counts).toEqual({ answered: 3, refused: 1, failed: 0, reset: 0 });
  });

  it("meets trouble now and then: a 500 and a reset in turn", async () => {
    const { get } = await start({ troubleEvery: 2 });
    const seen: (number | string)[] = [];
    for (let sent = 0; sent < 4; sent++) {
      await get().then(
        ({ status }) => seen.push(status),
        () => seen.push("reset"),
      );
    }
    expect(seen).toEqual([200, 500, 200, "reset"]);
  });
});
