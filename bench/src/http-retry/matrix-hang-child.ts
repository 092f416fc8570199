// Asks a server that hangs at first, with nobody's options set, and reports who is still waiting after a minute.

import { startScriptedServer } from "@holdfast/http-retry/testing";
import { OK } from "./matrix-case.ts";
import { entries } from "./matrix-entries.ts";

const MINUTE_MS = 60_000;

const found = await Promise.all(
  entries.map(async ({ name, create }) => {
    const server = await startScriptedServer(["hang", OK]);
    const minute = new Promise<string>((resolve) =>
      setTimeout(() => resolve("still waiting after a minute"), MINUTE_MS),
    );
    return [
      name,
      await Promise.race([
        create({})
          .ask({ url: server.origin })
          .then(() => null),
        minute,
      ]),
    ];
  }),
);
process.send?.(Object.fromEntries(found), () => process.exit());
