// Runs in the portal's page: puts the dashboard into it, and asks the portal's own backend for each token.

import { embedDashboard, type Ticket } from "@holdfast/embed-token/client";
import { browser } from "./dom.ts";

const { document } = browser;

embedDashboard({
  container: document.getElementById("dashboard"),
  title: "Sales",
  getTicket: async ({ signal }) => {
    const response = await fetch("/ticket", { method: "POST", signal });
    if (!response.ok) throw new Error(`status ${response.status}`);
    return (await response.json()) as Ticket;
  },
  onError: ({ code, status }) => {
    document.getElementById("status").textContent = `The dashboard can't be shown: ${code} ${status ?? ""}`;
  },
});
