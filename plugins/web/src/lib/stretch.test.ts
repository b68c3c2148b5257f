import { expect, test } from "vitest";

import { level, limits, percentile, sorted, zscale } from "./stretch";

/** The same numbers in every language: a linear congruential generator, as noise with a few bright pixels. */
function noisy(n: number): Float32Array {
  let state = 12345;
  return Float32Array.from({ length: n }, (_, i) => {
    state = (16807 * state) % 2147483647;
    const noise = Math.fround(state / 2147483647 - 0.5);
    return i % 97 === 0 ? Math.fround(100 + 50 * noise) : Math.fround(10 + noise);
  });
}

test("zscale gives the limits of astropy's ZScaleInterval", () => {
  // astropy 8.0.2, ZScaleInterval(n_samples=900).get_limits of the same 900 numbers.
  const range = zscale(sorted([noisy(900)]));
  expect(range.low).toBeCloseTo(9.5025053024292, 5);
  expect(range.high).toBeCloseTo(12.01007712010676, 3);
});

test("a few bright pixels do not decide the limits of zscale", () => {
  expect(zscale(sorted([noisy(900)])).high).toBeLessThan(30);
});

test("percentiles lie between neighbours", () => {
  expect(percentile(Float32Array.of(0, 10), 25)).toBeCloseTo(2.5);
  expect(percentile(Float32Array.of(1, 2, 3), 100)).toBe(3);
  expect(percentile(Float32Array.of(), 50)).toBeNaN();
});

test("pixels without a number are left out", () => {
  expect(limits([Float32Array.of(Number.NaN, 1, 5, Number.POSITIVE_INFINITY)], "linear", false)).toEqual({
    low: 1,
    high: 5,
  });
});

test("a difference is drawn symmetric about zero", () => {
  expect(limits([Float32Array.of(-1, 0, 4)], "linear", true)).toEqual({ low: -4, high: 4 });
});

test("a flat or empty picture still has a range", () => {
  expect(limits([Float32Array.of(3, 3, 3)], "zscale", false)).toEqual({ low: 2, high: 4 });
  expect(limits([Float32Array.of(Number.NaN)], "asinh", false)).toEqual({ low: 0, high: 1 });
});

test("planes that share a stretch share their limits", () => {
  const shared = limits([Float32Array.of(0, 1), Float32Array.of(5, 9)], "linear", false);
  expect(shared).toEqual({ low: 0, high: 9 });
});

test.each(["zscale", "asinh", "linear", "percentile"] as const)(
  "%s goes from 0 to 1 and never backwards",
  (stretch) => {
    const range = { low: 10, high: 20 };
    const levels = [5, 10, 12, 15, 19, 20, 99].map((value) => level(value, range, stretch, false));
    expect(levels[0]).toBe(0);
    expect(levels.at(-1)).toBeCloseTo(1);
    expect([...levels].sort((a, b) => a - b)).toEqual(levels);
  },
);

test("asinh lifts what is faint, and treats both signs alike", () => {
  expect(level(11, { low: 10, high: 20 }, "asinh", false)).toBeGreaterThan(0.2);
  const range = { low: -10, high: 10 };
  expect(level(0, range, "asinh", true)).toBeCloseTo(0.5);
  expect(level(1, range, "asinh", true) + level(-1, range, "asinh", true)).toBeCloseTo(1);
});
