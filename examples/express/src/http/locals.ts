// What middleware leaves on `response.locals` for the handlers after it, with its types.

import type { Logger } from "pino";

declare global {
  namespace Express {
    interface Locals {
      requestId: string;
      /** Logs under the request's id. */
      logger: Logger;
    }
  }
}
