import { serverUrl } from "@holdfast/testing";
import { expect, it } from "vitest";
import { askForToken, instance, openSession, settings } from "./site.ts";

it("two instances on one Redis take a token once, and count a caller together", async () => {
  const config = await settings({ REDIS_URL: serverUrl("redis"), EMBED_RATE_LIMIT: "3/hour" });
  const [one, other] = [await instance(config), await instance(config)];
  const { token } = (await (await askForToken(one)).json()) as { token: string };
  const opened = await Promise.all([one, other, one, other].map((app) => openSession(app, config, token)));
  expect(opened.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401]);
  const asked = [];
  for (const app of [other, one, other]) asked.push((await askForToken(app)).status);
  expect(asked).toEqual([201, 201, 429]);
});
