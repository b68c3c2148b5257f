import { expect, test } from "vitest";

import { paint, type Look } from "./colours";

const look: Look = { range: { low: 0, high: 10 }, stretch: "linear", symmetric: false, inverted: false, signed: false };
const pixel = (bytes: Uint8ClampedArray, i: number) => [...bytes.slice(4 * i, 4 * i + 3)];

test("dark is faint, and the other way round when inverted", () => {
  const plane = Float32Array.of(0, 10, 5, 99);
  expect(pixel(paint(plane, 2, look), 0)).toEqual([0, 0, 0]);
  expect(pixel(paint(plane, 2, look), 1)).toEqual([255, 255, 255]);
  expect(pixel(paint(plane, 2, { ...look, inverted: true }), 3)).toEqual([0, 0, 0]);
});

test("a pixel without a number is not grey like the sky", () => {
  const [red, green, blue] = pixel(paint(Float32Array.of(Number.NaN), 1, look), 0);
  expect(new Set([red, green, blue]).size).toBe(3);
});

test("signed images are blue below zero and red above", () => {
  const signed: Look = { ...look, range: { low: -10, high: 10 }, symmetric: true, signed: true };
  const bytes = paint(Float32Array.of(-5, 5, 0, 0), 2, signed);
  const [faded, grown, none] = [pixel(bytes, 0), pixel(bytes, 1), pixel(bytes, 2)];
  expect(faded[2]).toBeGreaterThan(faded[0] ?? 255);
  expect(grown[0]).toBeGreaterThan(grown[2] ?? 255);
  expect(none).toEqual([0, 0, 0]);
});
