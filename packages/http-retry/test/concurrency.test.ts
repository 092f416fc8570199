import * as fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { createSlots } from "../src/policy/concurrency.ts";

describe("slots", () => {
  it("are there up to the limit, and again when one is given back", () => {
    const slots = createSlots({ limit: 2, queue: 10 });
    expect([slots.take(), slots.take(), slots.take()]).toEqual([true, true, false]);
    slots.give();
    expect(slots.take()).toBe(true);
  });

  it("go to who waits longest", () => {
    const slots = createSlots({ limit: 1, queue: 10 });
    const granted: string[] = [];
    slots.take();
    for (const name of ["first", "second", "third"]) slots.wait(() => granted.push(name));
    slots.give();
    expect(granted).toEqual(["first"]);
    slots.give();
    slots.give();
    expect(granted).toEqual(["first", "second", "third"]);
  });

  it("are not taken past those who wait", () => {
    const slots = createSlots({ limit: 1, queue: 10 });
    slots.take();
    slots.wait(() => undefined);
    slots.give();
    expect(slots.take()).toBe(false);
  });

  it("are waited for by no more than the queue holds", () => {
    const slots = createSlots({ limit: 1, queue: 1 });
    slots.take();
    const cancel = slots.wait(() => undefined);
    expect(cancel).toBeDefined();
    expect(slots.wait(() => undefined)).toBeUndefined();
    cancel?.();
    expect(slots.wait(() => undefined)).toBeDefined();
  });

  it("are never granted to who has stopped waiting", () => {
    const slots = createSlots({ limit: 1, queue: 10 });
    const [stopped, waiting] = [vi.fn(), vi.fn()];
    slots.take();
    const cancel = slots.wait(stopped);
    slots.wait(waiting);
    cancel?.();
    slots.give();
    expect(stopped).not.toHaveBeenCalled();
    expect(waiting).toHaveBeenCalledOnce();
  });

  it("stay with their holder when the wait for them is ended after the grant", () => {
    const slots = createSlots({ limit: 1, queue: 10 });
    slots.take();
    const cancel = slots.wait(() => undefined);
    slots.give();
    cancel?.();
    expect(slots.take()).toBe(false);
    slots.give();
    expect(slots.take()).toBe(true);
  });

  it("may be given back from within a grant", () => {
    const slots = createSlots({ limit: 1, queue: 10 });
    const granted: number[] = [];
    slots.take();
    for (let index = 0; index < 3; index++) {
      slots.wait(() => {
        granted.push(index);
        slots.give();
      });
    }
    slots.give();
    expect(granted).toEqual([0, 1, 2]);
    expect(slots.take()).toBe(true);
  });

  it("never exceed the limit and never pass anyone over, whatever the order of calls", () => {
    const anyCall = fc.record({ call: fc.constantFrom("ask", "ask", "give", "cancel"), which: fc.nat(20) });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.nat(5),
        fc.array(anyCall, { maxLength: 200 }),
        (limit, queue, calls) => {
          const slots = createSlots({ limit, queue });
          let underWay = 0;
          let asked = 0;
          let waiting: { readonly place: number; readonly cancel: () => void }[] = [];
          for (const { call, which } of calls) {
            if (call === "give" && underWay > 0) {
              underWay--;
              slots.give();
            } else if (call === "cancel" && waiting.length > 0) {
              const index = which % waiting.length;
              waiting[index]?.cancel();
              waiting.splice(index, 1);
            } else if (call === "ask") {
              const wasFree = underWay < limit;
              if (slots.take()) {
                expect(wasFree && waiting.length === 0).toBe(true);
                underWay++;
              } else {
                const place = asked++;
                const cancel = slots.wait(() => {
                  expect(waiting[0]?.place).toBe(place);
                  waiting = waiting.slice(1);
                  underWay++;
                });
                expect(cancel === undefined).toBe(waiting.length >= queue);
                if (cancel) waiting.push({ place, cancel });
              }
            }
            expect(underWay).toBeLessThanOrEqual(limit);
            if (waiting.length > 0) expect(underWay).toBe(limit);
          }
        },
      ),
    );
  });
});
