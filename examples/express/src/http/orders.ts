// One order, for whoever has a key that is good for it.

import "./locals.ts";
import type { RequestHandler, Response } from "express";
import { type Orders, OrdersUnavailable } from "../orders.ts";
import { refuse } from "./errors.ts";

export function orderRoute(orders: Orders): RequestHandler<{ id: string }> {
  return async (request, response) => {
    try {
      const order = await orders.find(request.params.id, whileWanted(response));
      if (order) response.json(order);
      else refuse(response, 404);
    } catch (error) {
      if (!(error instanceof OrdersUnavailable)) throw error;
      response.locals.logger.warn({ err: error.cause }, "no order");
      if (error.retryAfterMs !== undefined) response.set("Retry-After", String(Math.ceil(error.retryAfterMs / 1000)));
      refuse(response, error.status, "The orders can't be had now.");
    }
  };
}

/** Nobody is asked any longer than somebody waits for the answer. */
function whileWanted(response: Response): AbortSignal {
  const controller = new AbortController();
  response.once("close", () => controller.abort());
  return controller.signal;
}
