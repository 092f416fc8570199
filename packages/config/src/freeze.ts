// Freezes plain data all the way down; instances of classes (dates, URLs, secrets) are left as they are.

export function freeze<Value>(root: Value): Value {
  if (!isPlain(root)) return root;
  // A list of its own instead of recursion: JSON nests deeper than the stack.
  const seen = new Set<object>([root]);
  for (const value of seen) {
    Object.freeze(value);
    for (const child of Object.values(value)) if (isPlain(child)) seen.add(child);
  }
  return root;
}

export function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
