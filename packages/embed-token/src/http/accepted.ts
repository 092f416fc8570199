// What a request was accepted with, for whatever handles it later.

import type { EmbedGrant, Filters } from "../claims.ts";

const accepted = new WeakMap<object, EmbedGrant<unknown>>();

export function accept(request: object, grant: EmbedGrant<unknown>): void {
  accepted.set(request, grant);
}

/** `F` is what the schema makes of filters: nothing checks that it is the same schema. */
export function acceptedGrant<F = Filters>(request: object): EmbedGrant<F> | undefined {
  return accepted.get(request) as EmbedGrant<F> | undefined;
}
