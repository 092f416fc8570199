// Runs in the frame: connects to the page around it, and draws what its session may see.

import { connectFrame } from "@holdfast/embed-token/frame";
import type { Row } from "../sales.ts";
import { browser } from "./dom.ts";

const { document, location } = browser;
// Served at /embed/DASHBOARD.
const dashboard = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const frame = connectFrame({ dashboard, onError: ({ code }) => say(`Not shown: ${code}.`) });

try {
  const response = await frame.fetch(`/api/dashboards/${encodeURIComponent(dashboard)}/rows`);
  if (response.ok) draw((await response.json()) as readonly Row[]);
  else say(`Not shown: status ${response.status}.`);
} catch (error) {
  say(`Not shown: ${(error as Error).message}`);
}

function draw(rows: readonly Row[]): void {
  const list = document.getElementById("rows");
  for (const { region, month, amount } of rows) {
    const item = document.createElement("li");
    item.textContent = `${month}  ${region}  ${"█".repeat(amount / 6)} ${amount}`;
    list.append(item);
  }
  say(`${rows.length} rows.`);
}

function say(text: string): void {
  document.getElementById("status").textContent = text;
}
