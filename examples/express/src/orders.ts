// The service that knows the orders, somewhere on the network, asked by a client that bears with it.

import { type Clock, HoldfastError } from "@holdfast/core";
import type { Meter } from "@holdfast/core/metrics";
import { createHttpClient, type HttpClient, HttpRetryError } from "@holdfast/http-retry";
import { httpMetrics } from "@holdfast/http-retry/metrics";
import type { Logger } from "pino";
import { z } from "zod";
import type { Settings } from "./config.ts";

export interface OrdersOptions {
  readonly config: Settings;
  readonly logger: Logger;
  readonly meter: Meter;
  readonly clock: Clock;
}

/** What is taken over of an order, and no more. */
export interface Order {
  readonly id: string;
  readonly status: string;
  readonly total: number;
}

const order: z.ZodType<Order> = z.object({ id: z.string(), status: z.string(), total: z.number() });

export interface Orders {
  /** Undefined where there is no such order. @throws OrdersUnavailable */
  find(id: string, signal: AbortSignal): Promise<Order | undefined>;
  close(): Promise<void>;
}

/** What our own client is to be told: 502, 503 or 504, and when to come again. */
export class OrdersUnavailable extends HoldfastError<"ORDERS_UNAVAILABLE"> {
  readonly status: 502 | 503 | 504;
  readonly retryAfterMs: number | undefined;

  constructor(error: HttpRetryError, now: number) {
    super("ORDERS_UNAVAILABLE", "The orders can't be had now", { cause: error });
    this.status = statusOf(error);
    this.retryAfterMs = error.retryAt === undefined ? undefined : Math.max(0, error.retryAt.getTime() - now);
  }
}

// A person waits at the other end: rather an error soon than an order late.
const DEADLINE = "3s";

/** Undefined where ORDERS_URL is not set. */
export function createOrders({ config, logger, meter, clock }: OrdersOptions): Orders | undefined {
  if (config.ORDERS_URL === undefined) return undefined;
  const metrics = httpMetrics(meter);
  const client: HttpClient = createHttpClient({
    baseUrl: config.ORDERS_URL,
    deadline: DEADLINE,
    attemptTimeout: "1s",
    baseDelay: "50ms",
    breaker: true,
    clock,
    on: {
      ...metrics,
      retry(event) {
        metrics.retry?.(event);
        const { attempt, delay, reason } = event;
        logger.info({ attempt, delayMs: Math.round(delay), reason }, "asking for the order again");
      },
    },
  });
  return {
    async find(id, signal) {
      try {
        return await client.get(`orders/${encodeURIComponent(id)}`, { signal }).json(order);
      } catch (error) {
        if (!(error instanceof HttpRetryError)) throw error;
        if (error.response?.status === 404 && error.code === "STATUS") return undefined;
        throw new OrdersUnavailable(error, clock.now());
      }
    },
    close: () => client.close(),
  };
}

function statusOf({ code }: HttpRetryError): 502 | 503 | 504 {
  if (code === "TIMEOUT" || code === "DEADLINE") return 504;
  return code === "CIRCUIT_OPEN" || code === "QUEUE_FULL" || code === "WAIT_TOO_LONG" ? 503 : 502;
}
