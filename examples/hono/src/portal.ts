// Somebody else's service, whose page shows our dashboard. Its backend alone has the API key.

import { problem, problemResponse } from "@holdfast/core/http";
import type { HttpClient } from "@holdfast/http-retry";
import { Hono } from "hono";
import { PORTAL_PAGE, portalPolicy } from "./pages.ts";

export interface PortalOptions {
  /** Where browsers find the portal: tokens are good for this page alone. */
  readonly origin: string;
  /** Where the portal's backend finds the dashboards' service. */
  readonly dashboards: string;
  /** Where browsers do. */
  readonly publicDashboards: string;
  readonly apiKey: string;
  readonly http: HttpClient;
  readonly script: string;
}

export function createPortal({ origin, dashboards, publicDashboards, apiKey, http, script }: PortalOptions): Hono {
  const app = new Hono();
  app.get("/", (context) =>
    context.html(PORTAL_PAGE, 200, { "content-security-policy": portalPolicy(publicDashboards) }),
  );
  app.get("/portal.js", (context) => context.body(script, 200, { "content-type": "text/javascript" }));
  // A real portal asks here who its visitor is, and what that visitor may see.
  app.post("/ticket", async (context) => {
    const call = http.post(`${dashboards}/api/embed/token`, {
      headers: { "x-api-key": apiKey },
      json: { subject: "visitor-7", dashboard: "sales", origins: [origin], filters: { region: "eu" } },
      // A token that nobody gets is a token that nobody uses.
      retryUnsafe: true,
      signal: context.req.raw.signal,
    });
    return context.json(await call.json());
  });
  app.onError(() => problemResponse(problem({ title: "Bad Gateway", status: 502 })));
  return app;
}
