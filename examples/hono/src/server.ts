// The service on a port: what it opens, and closes again.

import { systemClock } from "@holdfast/core";
import type { Logger } from "pino";
import { createApp } from "./app.ts";
import type { Settings } from "./config.ts";
import { type Listening, listen } from "./listen.ts";
import { bundled } from "./scripts.ts";
import { openSharedState } from "./shared-state.ts";

export async function startService(config: Settings, logger: Logger): Promise<Listening> {
  const state = openSharedState(config, logger, systemClock);
  try {
    const app = createApp({ config, logger, state, script: await bundled("dashboard.ts") });
    const listening = await listen((request) => app.fetch(request), config.PORT, config.HOST);
    logger.info({ port: listening.port, publicUrl: config.PUBLIC_URL }, "listening");
    return {
      port: listening.port,
      async close() {
        await listening.close();
        state.close();
      },
    };
  } catch (error) {
    state.close();
    throw error;
  }
}
