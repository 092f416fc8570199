// Which key a request was accepted with, for whatever handles it later.

import type { KeyInfo } from "../key-info.ts";

const accepted = new WeakMap<object, KeyInfo>();

export function accept(request: object, key: KeyInfo | undefined): void {
  if (key) accepted.set(request, key);
}

export function acceptedKey(request: object): KeyInfo | undefined {
  return accepted.get(request);
}
