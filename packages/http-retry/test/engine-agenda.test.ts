import { createManualClock } from "@holdfast/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Agenda, createAgenda, type Due } from "../src/engine/agenda.ts";

class Entry implements Due {
  dueAt = 0;
  place = -1;
  readonly woken: number[] = [];
  readonly #then: ((nowMs: number) => void) | undefined;

  constructor(then?: (nowMs: number) => void) {
    this.#then = then;
  }

  wake(nowMs: number): void {
    this.woken.push(nowMs);
    this.#then?.(nowMs);
  }
}

describe("an agenda", () => {
  it("wakes each at its moment, once", () => {
    const clock = createManualClock();
    const agenda = createAgenda(clock);
    const entries = [30, 10, 20, 10].map((dueAt) => {
      const entry = new Entry();
      agenda.by(entry, dueAt);
      return entry;
    });
    clock.advance(100);
    expect(entries.map(({ woken }) => woken)).toEqual([[30], [10], [20], [10]]);
    expect(clock.pendingTimers).toBe(0);
  });

  it("keeps the earlier of two moments", () => {
    const clock = createManualClock();
    const agenda = createAgenda(clock);
    const entry = new Entry();
    agenda.by(entry, 20);
    agenda.by(entry, 10);
    agenda.by(entry, 30);
    clock.advance(100);
    expect(entry.woken).toEqual([10]);
  });

  it("can be asked again from within a wake", () => {
    const clock = createManualClock();
    const agenda: Agenda = createAgenda(clock);
    const entry: Entry = new Entry((nowMs) => {
      if (nowMs < 30) agenda.by(entry, nowMs + 10);
    });
    agenda.by(entry, 10);
    clock.advance(100);
    expect(entry.woken).toEqual([10, 20, 30]);
  });

  it("goes on after a wake that throws", () => {
    const clock = createManualClock();
    const agenda = createAgenda(clock);
    const other = new Entry();
    agenda.by(
      new Entry(() => {
        throw new Error("from a wake");
      }),
      10,
    );
    agenda.by(other, 10);
    expect(() => clock.advance(10)).toThrow("from a wake");
    clock.advance(10);
    expect(other.woken).toHaveLength(1);
  });

  it("agrees with a list, whatever is put in and taken out", () => {
    const step = fc.record({
      entry: fc.nat(20),
      action: fc.oneof(fc.constant("remove"), fc.nat(50), fc.constant("advance")),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const clock = createManualClock();
        const agenda = createAgenda(clock);
        const entries = Array.from({ length: 21 }, () => new Entry());
        const expected = entries.map((): number[] => []);
        const dues = new Map<number, number>();
        for (const { entry, action } of steps) {
          if (action === "remove") {
            agenda.remove(entries[entry]!);
            dues.delete(entry);
          } else if (action === "advance") {
            clock.advance(7);
            for (const [index, dueAt] of dues) {
              if (dueAt > clock.monotonic()) continue;
              dues.delete(index);
              expected[index]!.push(dueAt);
            }
          } else {
            const dueAt = clock.monotonic() + Number(action);
            agenda.by(entries[entry]!, dueAt);
            dues.set(entry, Math.min(dueAt, dues.get(entry) ?? dueAt));
          }
        }
        expect(entries.map(({ woken }) => woken)).toEqual(expected);
      }),
    );
  });
});
