import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { freePort } from "@holdfast/testing";
import { expect, it, onTestFinished } from "vitest";

it("the demo serves the portal and its dashboard, and stops when it is told to", { timeout: 30_000 }, async () => {
  const [port, portalPort] = [await freePort(), await freePort()];
  const child = spawn(process.execPath, [join(import.meta.dirname, "../src/demo.ts")], {
    env: {
      NODE_OPTIONS: "--disable-warning=ExperimentalWarning",
      PORT: String(port),
      PORTAL_PORT: String(portalPort),
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const ended = once(child, "exit");
  for await (const line of createInterface({ input: child.stdout })) if (line.startsWith("Ctrl-C")) break;

  const portal = `http://127.0.0.1:${portalPort}`;
  const page = await fetch(portal);
  expect(page.headers.get("content-security-policy")).toContain(`frame-src http://localhost:${port};`);
  const ticket = (await (await fetch(`${portal}/ticket`, { method: "POST" })).json()) as { url: string };
  expect(ticket.url).toContain(`http://localhost:${port}/embed/sales?pass=`);

  child.kill("SIGTERM");
  expect(await ended).toEqual([0, null]);
});
