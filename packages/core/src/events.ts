// How packages tell what happened: to hooks that the caller gave, and to diagnostics channels that anyone in the process may
// listen to.

import { channel, subscribe, unsubscribe } from "node:diagnostics_channel";

/** By the event's name, what it tells. */
type EventMap = object;

/** Hooks for some of the events. */
export type Hooks<Map extends EventMap> = { readonly [Name in keyof Map]?: ((event: Map[Name]) => void) | undefined };

export interface Events<Map extends EventMap> {
  /** Whether anybody listens: worth asking where even what an event is made of costs something. */
  wants(hooks: Hooks<Map>, name: keyof Map): boolean;
  /**
   * Makes the event if anybody wants it, and tells the hook, then the channel. What a hook throws becomes an uncaught exception, as what
   * a channel's subscriber throws does: it never changes the outcome of the call that is told of.
   */
  tell<Name extends keyof Map>(hooks: Hooks<Map>, name: Name, make: () => Map[Name]): void;
}

/**
 * Events that go to one `node:diagnostics_channel` each.
 *
 * @example
 * const events = createEvents<{ done: DoneEvent }>({ done: "orders:done" });
 * events.tell(options.on, "done", () => ({ id, durationMs }));
 */
export function createEvents<Map extends EventMap>(names: Readonly<Record<keyof Map, string>>): Events<Map> {
  const entries = Object.entries(names as Readonly<Record<string, string>>);
  const channels = Object.fromEntries(entries.map(([name, channelName]) => [name, channel(channelName)])) as Record<
    keyof Map,
    ReturnType<typeof channel>
  >;
  const wants: Events<Map>["wants"] = (hooks, name) => hooks[name] !== undefined || channels[name].hasSubscribers;
  return {
    wants,
    tell(hooks, name, make) {
      if (!wants(hooks, name)) return;
      const event = make();
      try {
        hooks[name]?.(event);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
      channels[name].publish(event);
    },
  };
}

/**
 * Tells the hooks what everything in this process tells the channels of these names, from now on; call the result to stop.
 *
 * @example
 * const stop = listen({ done: "orders:done" }, { done: ({ durationMs }) => durations.record(durationMs / 1000, {}) });
 */
export function listen<Map extends EventMap>(
  names: Readonly<Record<keyof Map, string>>,
  hooks: Required<Hooks<Map>>,
): () => void {
  const listeners = Object.entries(names as Readonly<Record<string, string>>).map(
    ([name, channelName]) => [channelName, hooks[name as keyof Map] as (event: unknown) => void] as const,
  );
  for (const [channelName, listener] of listeners) subscribe(channelName, listener);
  return () => {
    for (const [channelName, listener] of listeners) unsubscribe(channelName, listener);
  };
}
