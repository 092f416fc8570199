import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createEvents, listen } from "@holdfast/core/events";
import { describe, expect, it, onTestFinished, vi } from "vitest";

interface Map {
  readonly done: { readonly id: number };
}

const NAMES = { done: "holdfast:test:done" };
const { wants, tell } = createEvents<Map>(NAMES);

function heardOnTheChannel(): unknown[] {
  const heard: unknown[] = [];
  const onEvent = (event: unknown): void => void heard.push(event);
  subscribe("holdfast:test:done", onEvent);
  onTestFinished(() => void unsubscribe("holdfast:test:done", onEvent));
  return heard;
}

describe("events", () => {
  it("makes no event where nobody listens", () => {
    const make = vi.fn(() => ({ id: 1 }));
    tell({}, "done", make);
    expect(wants({}, "done")).toBe(false);
    expect(make).not.toHaveBeenCalled();
  });

  it("tells the hook and the channel one and the same event", () => {
    const heard = heardOnTheChannel();
    const done = vi.fn();
    const event = { id: 2 };
    expect(wants({}, "done")).toBe(true);
    tell({ done }, "done", () => event);
    expect(done.mock.calls[0]?.[0]).toBe(event);
    expect(heard[0]).toBe(event);
  });

  it("lets what a hook throws change nothing for whoever tells, and still tells the channel", () => {
    const heard = heardOnTheChannel();
    const uncaught: (() => void)[] = [];
    vi.spyOn(globalThis, "queueMicrotask").mockImplementation((callback) => void uncaught.push(callback));
    onTestFinished(() => void vi.restoreAllMocks());
    const done = (): void => {
      throw new Error("a hook's own");
    };
    tell({ done }, "done", () => ({ id: 3 }));
    expect(heard).toEqual([{ id: 3 }]);
    expect(uncaught[0]).toThrow("a hook's own");
  });

  it("tells hooks what anything in the process tells the channels, until they are stopped", () => {
    const heard: Map["done"][] = [];
    const stop = listen<Map>(NAMES, { done: (event) => void heard.push(event) });
    tell({}, "done", () => ({ id: 4 }));
    stop();
    tell({}, "done", () => ({ id: 5 }));
    expect(heard).toEqual([{ id: 4 }]);
    expect(wants({}, "done")).toBe(false);
  });
});
