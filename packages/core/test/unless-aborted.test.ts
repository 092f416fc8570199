import { getEventListeners } from "node:events";
import { unlessAborted } from "@holdfast/core";
import { describe, expect, it, vi } from "vitest";

describe("unlessAborted", () => {
  it("settles as the promise does", async () => {
    const { signal } = new AbortController();
    await expect(unlessAborted(Promise.resolve(1), signal)).resolves.toBe(1);
    await expect(unlessAborted(Promise.reject(new Error("no")), signal)).rejects.toThrow("no");
    await expect(unlessAborted(Promise.resolve(2), undefined)).resolves.toBe(2);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  it("rejects with the signal's reason as soon as it aborts, and says so first", async () => {
    const controller = new AbortController();
    const onAbort = vi.fn();
    const waiting = unlessAborted(new Promise(() => {}), controller.signal, onAbort);
    controller.abort("enough");
    expect(onAbort).toHaveBeenCalledOnce();
    await expect(waiting).rejects.toBe("enough");
  });

  it("rejects at once where the signal has aborted already, and leaves no unhandled rejection of the promise", async () => {
    const failing = Promise.reject(new Error("late"));
    await expect(unlessAborted(failing, AbortSignal.abort("before"))).rejects.toBe("before");
  });
});
