// A headless Chromium, driven over its debugging port. It blocks third-party cookies, as Safari does and others can be told to.

import { ask, LOOPBACK } from "./loopback.ts";
import { findProgram } from "./programs.ts";
import { type Server, startServer } from "./server.ts";

export function startChromium(): Promise<Server> {
  const file = findProgram({
    names: ["chromium", "chromium-browser", "google-chrome"],
    debianPackage: "chromium",
    homebrewFormula: "--cask chromium",
  });
  return startServer({
    name: "chromium",
    url: (port) => `http://${LOOPBACK}:${port}`,
    command: (folder, port) => ({
      file,
      args: [
        "--headless",
        `--remote-debugging-port=${port}`,
        `--user-data-dir=${folder}/profile`,
        "--test-third-party-cookie-phaseout",
        // Its sandbox does not work as root, nor in most containers. It sees nothing but the tests' own pages.
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    }),
    isReady: async (port) =>
      (await ask(port, "GET /json/version HTTP/1.1\r\nHost: localhost\r\n\r\n")).includes("200 OK"),
    endSignal: "SIGTERM",
  });
}
