// Runs in the frame: a small dashboard with a state of its own, which a reload would lose.

import { connectFrame } from "../../src/client/inner.ts";

interface Field {
  textContent: string;
  onclick: (() => void) | null;
}

const page = globalThis as unknown as { readonly document: { getElementById(id: string): Field } };
const field = (id: string): Field => page.document.getElementById(id);

const frame = connectFrame({
  dashboard: "sales",
  onError: ({ code, status }) => {
    field("errors").textContent += `${code}${status === undefined ? "" : ` ${status}`}\n`;
  },
});

async function show(): Promise<void> {
  try {
    const response = await frame.fetch("/api/rows");
    field("rows").textContent = response.ok ? JSON.stringify(await response.json()) : `status ${response.status}`;
  } catch (error) {
    field("rows").textContent = (error as Error).message;
  }
}

field("load").onclick = () => void show();
field("count").onclick = () => {
  field("count").textContent = String(Number(field("count").textContent) + 1);
};
void show();
