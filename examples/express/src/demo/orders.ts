// What the demo shows of keys, and of a service behind this one that has its troubles.

import { type ScriptedServer, startScriptedServer } from "@holdfast/http-retry/testing";
import type { Service } from "../server.ts";
import { say, section, show } from "./page.ts";

const ORDER = JSON.stringify({ id: "7", status: "sent", total: 12.5 });

/** Well at first, then in trouble, then asking for a rest. */
export function startUpstream(): Promise<ScriptedServer> {
  return startScriptedServer([
    { body: ORDER },
    { status: 503 },
    "reset",
    { body: ORDER },
    { status: 503, headers: { "retry-after": "120" } },
  ]);
}

export async function showKeys({ url }: Service, key: string): Promise<void> {
  section("API keys");
  say("An order is for those with a key. The service itself knows only the key's SHA-256.");
  const order = `${url}/api/orders/7`;
  const answers = [
    ["without a key", await fetch(order)],
    ["with a wrong one", await fetch(order, { headers: { "x-api-key": `${key.slice(0, -1)}-` } })],
    ["with the key in the URL", await fetch(`${order}?api_key=${key}`)],
    ["with the key", await fetch(order, { headers: { "x-api-key": key } })],
  ] as const;
  const lines = answers.map(([how, { status, headers }]) => {
    const challenge = headers.get("www-authenticate");
    return `GET /api/orders/7 ${how.padEnd(24)} ${status}${challenge === null ? "" : `  ${challenge}`}`;
  });
  show(lines.join("\n"));
}

export async function showUpstream({ url }: Service, upstream: ScriptedServer, key: string): Promise<void> {
  section("A service behind this one");
  const ask = (): Promise<Response> => fetch(`${url}/api/orders/7`, { headers: { authorization: `Bearer ${key}` } });
  const before = upstream.requests.length;
  const response = await ask();
  const tries = upstream.requests.length - before;
  say(
    `It answers 503, then resets the connection. Our one request is answered ${response.status}, by ${tries} of its own:`,
  );
  show(JSON.stringify(await response.json(), null, 2));
  const resting = await ask();
  say(`Then it answers 503 and asks for two minutes of rest. It gets them: we answer ${resting.status} at once,`);
  say(`with Retry-After: ${resting.headers.get("retry-after")}, and ask it no more for that request.`);
}
