// What the admin API takes and gives: schemas that say no to whatever they don't name, and the OpenAPI document made of them.

import { z } from "zod";
import type { NewKey } from "./new-key.ts";

const text = z.string().min(1).max(200);
const scopes = z.array(z.string().max(300)).max(100);
const duration = z
  .string()
  .max(20)
  .regex(/^\d+(?:\.\d+)? ?(?:ms|s|m|h|d|w)$/, 'must be a duration such as "90d" or "24h"');

interface Bodies {
  readonly create: Omit<NewKey, "by" | "requestId">;
  readonly rotate: { readonly grace?: string | undefined };
  readonly revoke: { readonly because?: string | undefined };
}

/** Of each route that has one. */
export const bodies: { readonly [Name in keyof Bodies]: z.ZodType<Bodies[Name]> } = {
  create: z.strictObject({
    name: text,
    owner: text,
    scopes: scopes.optional(),
    role: text.optional(),
    limits: z.record(z.string().max(64), z.array(text).max(1000)).optional(),
    metadata: z.record(z.string().min(1).max(64), z.string().max(1000)).optional(),
    environment: text.optional(),
    expiresIn: duration.optional(),
  }),
  rotate: z.strictObject({ grace: duration.optional() }),
  revoke: z.strictObject({ because: text.optional() }),
};

export type Route = keyof Bodies;
export type BodyOf<Name extends Route> = Bodies[Name];

/** Of the list. A parameter that is given is a text. */
export const query: z.ZodType<{
  readonly owner?: string | undefined;
  readonly after?: string | undefined;
  readonly limit?: number | undefined;
  readonly "include-ended"?: boolean | undefined;
}> = z.strictObject({
  owner: text.optional(),
  after: text.optional(),
  limit: z
    .string()
    .regex(/^[1-9]\d{0,3}$/, "must be a whole number from 1 to 1000")
    .transform(Number)
    .optional(),
  "include-ended": z
    .enum(["true", "false"])
    .transform((word) => word === "true")
    .optional(),
});

const time = { type: ["string", "null"], format: "date-time" };
const KEY = {
  type: "object",
  properties: {
    id: { type: "string" },
    environment: { type: "string" },
    name: { type: "string" },
    owner: { type: "string" },
    scopes: { type: "array", items: { type: "string" } },
    limits: { type: "object", additionalProperties: { type: "array", items: { type: "string" } } },
    metadata: { type: "object", additionalProperties: { type: "string" } },
    createdAt: { type: "string", format: "date-time" },
    createdBy: { type: ["string", "null"] },
    expiresAt: time,
    revokedAt: time,
    revokedBecause: { type: ["string", "null"] },
    lastUsedAt: time,
    successorId: { type: ["string", "null"] },
  },
};
const NEW_KEY = {
  allOf: [{ $ref: "#/components/schemas/Key" }],
  type: "object",
  properties: { key: { type: "string", description: "The key itself. It is not to be had again." } },
};

/** By OpenAPI 3.1. */
export function openApi(basePath: string): object {
  const problems = Object.fromEntries(
    [400, 401, 403, 404, 409, 413, 415, 429, 503].map((status) => [
      status,
      { description: "Not done", content: { "application/problem+json": { schema: { type: "object" } } } },
    ]),
  );
  const operation = (summary: string, status: number, schema: object, route?: Route): object => ({
    summary,
    ...(route && {
      requestBody: {
        required: route === "create",
        content: { "application/json": { schema: z.toJSONSchema(bodies[route], { io: "input" }) } },
      },
    }),
    responses: { [status]: { description: "Done", content: { "application/json": { schema } } }, ...problems },
  });
  const id = { name: "id", in: "path", required: true, schema: { type: "string" } };
  const parameter = (name: string, schema: object): object => ({ name, in: "query", schema });
  const key = { $ref: "#/components/schemas/Key" };
  return {
    openapi: "3.1.0",
    info: { title: "API keys", version: "1", description: "Makes, lists, rotates and revokes API keys." },
    servers: [{ url: basePath }],
    security: [{ key: [] }, { bearer: [] }],
    paths: {
      "/keys": {
        post: operation("Make a key", 201, NEW_KEY, "create"),
        get: {
          ...operation("List keys, by id", 200, {
            type: "object",
            properties: { keys: { type: "array", items: key } },
          }),
          parameters: [
            parameter("owner", { type: "string" }),
            parameter("after", { type: "string", description: "Ids that come after this one" }),
            parameter("limit", { type: "integer", minimum: 1, maximum: 1000, default: 100 }),
            parameter("include-ended", { type: "boolean", default: true }),
          ],
        },
      },
      "/keys/{id}": { parameters: [id], get: operation("One key", 200, key) },
      "/keys/{id}/rotate": {
        parameters: [id],
        post: operation("Make a successor, and let the key go on for a while", 201, NEW_KEY, "rotate"),
      },
      "/keys/{id}/revoke": { parameters: [id], post: operation("End a key for good", 200, key, "revoke") },
    },
    components: {
      schemas: { Key: KEY },
      securitySchemes: {
        key: { type: "apiKey", in: "header", name: "X-API-Key" },
        bearer: { type: "http", scheme: "bearer" },
      },
    },
  };
}
