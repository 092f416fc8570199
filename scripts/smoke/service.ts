// A service that embeds dashboards, as its callers see it.

export interface ServiceOptions {
  readonly url: string;
  /** Headers of somebody who may have tokens made. */
  readonly credentials: Readonly<Record<string, string>>;
  readonly dashboard: string;
  /** By how much the service lets clocks differ. */
  readonly toleranceMs: number;
  readonly endpoint: string;
  readonly exchange: string;
  readonly metrics: string;
  readonly wait: (ms: number) => Promise<unknown>;
}

export interface Ticket {
  readonly token: string;
  readonly tokenId: string;
  readonly expiresIn: number;
  readonly url: string;
}

export interface Service {
  readonly toleranceMs: number;
  readonly dashboard: string;
  readonly grant: Readonly<Record<string, unknown>>;
  /** Asks for a token, with those credentials and that body. */
  ask(body: object, credentials?: Readonly<Record<string, string>>): Promise<Response>;
  /** A new ticket. Throws where there is none. */
  ticket(more?: object): Promise<Ticket>;
  /** Posts a token as the dashboard's page does. */
  exchange(ticket: Ticket, origin: string, headers?: Readonly<Record<string, string>>): Promise<Response>;
  get(url: string, headers?: Readonly<Record<string, string>>): Promise<Response>;
  metrics(): Promise<string>;
  wait(ms: number): Promise<unknown>;
}

/** Of a page that nobody runs (RFC 6761, 6.4). */
export const HOST = "https://smoke.invalid";

export function createService(options: ServiceOptions): Service {
  const { url, credentials, dashboard, toleranceMs } = options;
  const grant = { subject: "smoke", dashboard, origins: [HOST] };
  const get: Service["get"] = (to, headers = {}) => fetch(new URL(to, url), { headers, redirect: "manual" });
  const post = (to: string, body: object, headers: Readonly<Record<string, string>>): Promise<Response> =>
    fetch(new URL(to, url), {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
      redirect: "manual",
    });
  const ask: Service["ask"] = (body, who = credentials) => post(options.endpoint, body, who);

  return {
    toleranceMs,
    dashboard,
    grant,
    ask,
    get,
    wait: options.wait,
    async ticket(more = {}) {
      const response = await ask({ ...grant, ...more });
      if (response.status !== 201) throw new Error(`asked for a token, and the answer was ${response.status}`);
      return (await response.json()) as Ticket;
    },
    exchange: ({ token, url: page }, origin, headers = {}) =>
      post(
        options.exchange,
        { token, origin, frame: crypto.randomUUID().replaceAll("-", "") },
        { origin: new URL(page).origin, ...headers },
      ),
    async metrics() {
      const response = await get(options.metrics);
      if (!response.ok) throw new Error(`${options.metrics} answered ${response.status}`);
      return await response.text();
    },
  };
}
