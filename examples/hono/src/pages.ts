// The two pages. Scripts come from their own origin alone, and get no HTML sink to write to.

/** Of the dashboard. Who may frame it is added from each page's pass. */
export const DASHBOARD_POLICY =
  "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'";

const STYLE = "<style>body { font: 16px sans-serif; margin: 1.5em } li { white-space: pre }</style>";

/** `title` is the service's own text, never a visitor's. */
export function dashboardPage(title: string): string {
  return `<!doctype html><meta charset="utf-8"><title>${title}</title>${STYLE}
<h2>${title}</h2><ul id="rows"></ul><p id="status">Loading.</p>
<script type="module" src="/dashboard.js"></script>`;
}

/** Of the portal, somebody else's service. It frames the dashboards' site and no other. */
export function portalPolicy(dashboards: string): string {
  return `default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; frame-src ${dashboards}; require-trusted-types-for 'script'`;
}

export const PORTAL_PAGE: string = `<!doctype html><meta charset="utf-8"><title>Portal</title>${STYLE}
<h1>Portal</h1><p id="status"></p><div id="dashboard"></div>
<script type="module" src="/portal.js"></script>`;
