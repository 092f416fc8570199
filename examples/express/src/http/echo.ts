// GET and POST /api/echo: says back what it was sent. It stands for the service's own work.

import "./locals.ts";
import express, { type RequestHandler } from "express";
import { refuse } from "./errors.ts";

/** Bytes of JSON that a request may bring, after decompression. */
export const LARGEST_BODY: number = 64 * 1024;

/** Takes a JSON body, or none; anything else is refused with 415 instead of being ignored. */
export const jsonBody: readonly RequestHandler[] = [
  (request, response, next) => {
    // null: there is no body. One of no bytes may come with any type or none.
    if (request.is("json") === false && request.get("content-length") !== "0")
      refuse(response, 415, "Send the body as application/json.");
    else next();
  },
  express.json({ limit: LARGEST_BODY, strict: false }),
];

export const echo: RequestHandler = (request, response) => {
  const { method, path, query } = request;
  const body: unknown = request.body;
  // Neither headers nor cookies: a script that may not read its cookies could read them here.
  response.json({ method, path, query, ...(body !== undefined && { body }), requestId: response.locals.requestId });
};
