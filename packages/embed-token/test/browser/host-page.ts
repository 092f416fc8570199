// Runs in the page around the dashboard. What happened is written into the document, where a test can read it.

import { embedDashboard } from "../../src/client/outer.ts";

const page = globalThis as unknown as {
  readonly document: { getElementById(id: string): { textContent: string; append(frame: never): void } };
  embed: unknown;
};
const log = (text: string): void => {
  page.document.getElementById("log").textContent += `${text}\n`;
};

page.embed = embedDashboard({
  container: page.document.getElementById("dashboard"),
  title: "Sales",
  getTicket: async ({ signal }) => (await fetch("/ticket", { method: "POST", signal })).json() as never,
  onOpen: () => log("open"),
  onError: ({ code, status }) => log(`error ${code}${status === undefined ? "" : ` ${status}`}`),
});
