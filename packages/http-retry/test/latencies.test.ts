import { createRandom } from "@holdfast/testing/torture";
import { describe, expect, it } from "vitest";
import { createLatencies } from "../src/policy/latencies.ts";

const after = (times: readonly number[]) => {
  const latencies = createLatencies();
  for (const ms of times) latencies.add(ms);
  return latencies;
};

describe("latencies", () => {
  it("say nothing before there are 20", () => {
    const latencies = after(Array.from({ length: 19 }, () => 10));
    expect(latencies.p95()).toBeUndefined();
    latencies.add(10);
    expect(latencies.p95()).toBe(10);
  });

  it("tell the time that 95 of 100 kept to", () => {
    const { shuffle } = createRandom(1);
    expect(after(shuffle(Array.from({ length: 100 }, (_, index) => index + 1))).p95()).toBe(95);
  });

  it("are not moved by one that is far off", () => {
    expect(after([...Array.from({ length: 99 }, () => 10), 100_000]).p95()).toBe(10);
  });

  it("follow an origin that grew slower, with the last 256 only", () => {
    const latencies = after(Array.from({ length: 1000 }, () => 10));
    expect(latencies.p95()).toBe(10);
    for (let index = 0; index < 256; index++) latencies.add(500);
    expect(latencies.p95()).toBe(500);
    for (let index = 0; index < 256; index++) latencies.add(20);
    expect(latencies.p95()).toBe(20);
  });

  it("are no more than 16 behind", () => {
    const latencies = after(Array.from({ length: 20 }, () => 10));
    latencies.p95();
    for (let index = 0; index < 16; index++) latencies.add(500);
    expect(latencies.p95()).toBe(500);
  });
});
