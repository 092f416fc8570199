// What must hold of a running service. In an order that keeps below ten requests for a token until the last one counts them.

import { HOST, type Service, type Ticket } from "./service.ts";

export interface Scenario {
  readonly name: string;
  /** Throws where something is otherwise. */
  run(service: Service): Promise<void>;
}

const MOST_LIFETIME_S = 600;
/** A limit that lets more than this pass in a row limits nobody. */
const MOST_TRIES = 200;

/** Later ones use what earlier ones got. */
export function scenarios(): readonly Scenario[] {
  const tickets: Ticket[] = [];
  const first = (): Ticket => {
    const [ticket] = tickets;
    if (ticket) return ticket;
    throw new Error("there is no token to try it with");
  };

  return [
    {
      name: "auth: nobody is given a token without credentials, or with wrong ones",
      async run({ ask, grant }) {
        for (const credentials of [{}, { "x-api-key": "smoke" }, { authorization: "Bearer smoke" }]) {
          is(401, (await ask(grant, credentials)).status, `the answer to ${JSON.stringify(credentials)}`);
        }
      },
    },
    {
      name: "validation: no token is made of what is not understood",
      async run({ ask, grant }) {
        for (const wrong of [{ subject: { id: 1 } }, { origins: ["*"] }, { exp: 9_999_999_999 }]) {
          is(400, (await ask({ ...grant, ...wrong })).status, `the answer to ${JSON.stringify(wrong)}`);
        }
      },
    },
    {
      name: "token: whoever may is given one, short-lived, and kept nowhere on the way",
      async run({ ask, grant }) {
        const response = await ask(grant);
        is(201, response.status, "the answer");
        is("no-store", response.headers.get("cache-control"), "Cache-Control");
        const ticket = (await response.json()) as Ticket;
        for (const member of ["token", "tokenId", "url"] as const)
          is("string", typeof ticket[member], `the type of ${member}`);
        if (!(ticket.expiresIn > 0 && ticket.expiresIn <= MOST_LIFETIME_S)) {
          throw new Error(`expiresIn is ${ticket.expiresIn}: it must be 1 to ${MOST_LIFETIME_S} seconds`);
        }
        if (ticket.url.includes(ticket.token)) throw new Error("the URL has the token in it");
        tickets.push(ticket);
      },
    },
    {
      name: "page: may be framed by the pages that the token names, and by nobody without a pass",
      async run({ get }) {
        const { url } = first();
        const page = await get(url, { "sec-fetch-dest": "iframe" });
        is(200, page.status, "the page");
        is(`frame-ancestors ${HOST}`, ancestorsOf(page), "its policy");
        is("no-referrer", page.headers.get("referrer-policy"), "Referrer-Policy");
        is("no-store", page.headers.get("cache-control"), "Cache-Control");
        const withoutPass = await get(url.split("?")[0] ?? url);
        is(401, withoutPass.status, "the page without a pass");
        is("frame-ancestors 'none'", ancestorsOf(withoutPass), "its policy");
      },
    },
    {
      name: "origins: a token opens nothing for another page, nor for another site's script",
      async run({ exchange }) {
        for (const origin of [
          "https://evil.invalid",
          `${HOST}.evil.invalid`,
          `${HOST}:8443`,
          HOST.replace("https", "http"),
          "null",
        ]) {
          is(401, (await exchange(first(), origin)).status, `the exchange for ${origin}`);
        }
        is(403, (await exchange(first(), HOST, { origin: HOST })).status, "the exchange from another site");
      },
    },
    {
      name: "replay: a token opens one session, and not a second one",
      async run({ exchange }) {
        const opened = await exchange(first(), HOST);
        is(200, opened.status, "the exchange");
        is("no-store", opened.headers.get("cache-control"), "Cache-Control");
        is(401, (await exchange(first(), HOST)).status, "the same once more");
      },
    },
    {
      name: "expiry: a token is over when it says so",
      async run({ ticket, exchange, wait, toleranceMs }) {
        const short = await ticket({ lifetime: "1s" });
        tickets.push(short);
        // Dates in tokens are whole seconds.
        await wait(1000 + toleranceMs + 1000);
        is(401, (await exchange(short, HOST)).status, "the exchange");
      },
    },
    {
      name: "uniqueness: no two tokens are the same",
      async run({ ticket }) {
        tickets.push(await ticket(), await ticket());
        for (const member of ["token", "tokenId"] as const) {
          is(tickets.length, new Set(tickets.map((one) => one[member])).size, `different values of ${member}`);
        }
      },
    },
    {
      name: "metrics: what was asked for and what became of it is counted",
      async run({ metrics }) {
        const text = await metrics();
        for (const outcome of ["issued", "unauthenticated", "invalid"]) {
          const counted = new RegExp(
            `^holdfast_embed_token_requests_total\\{[^}]*outcome="${outcome}"[^}]*\\} [1-9]`,
            "m",
          );
          if (!counted.test(text)) throw new Error(`holdfast_embed_token_requests_total has no outcome "${outcome}"`);
        }
      },
    },
    {
      name: "limit: whoever asks too often is told when to come again",
      async run({ ask, grant }) {
        for (let tries = 0; tries < MOST_TRIES; tries++) {
          const response = await ask(grant);
          if (response.status === 201) continue;
          is(429, response.status, "the answer");
          if (!/^[1-9]\d*$/.test(response.headers.get("retry-after") ?? "")) throw new Error("there is no Retry-After");
          return;
        }
        throw new Error(`${MOST_TRIES} tokens in a row, and no end`);
      },
    },
  ];
}

function ancestorsOf(page: Response): string | undefined {
  return page.headers
    .get("content-security-policy")
    ?.split(/[;,]/)
    .map((directive) => directive.trim())
    .find((directive) => directive.startsWith("frame-ancestors"));
}

function is(expected: unknown, actual: unknown, what: string): void {
  if (actual !== expected) throw new Error(`${what} is ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`);
}
