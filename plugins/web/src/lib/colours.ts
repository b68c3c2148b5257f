/** From levels to colours. */

import { level, type Range, type Stretch } from "./stretch";

export interface Look {
  range: Range;
  stretch: Stretch;
  symmetric: boolean;
  inverted: boolean;
  /** Blue below zero, red above: for images whose sign matters more than their size. */
  signed: boolean;
}

/** Pixels without a number: neither black nor white, so that they are not taken for sky. */
const NO_DATA = [96, 64, 112] as const;

/** RGBA bytes, the top row first, as the plane has them. */
export function paint(plane: Float32Array, size: number, look: Look): Uint8ClampedArray<ArrayBuffer> {
  const bytes = new Uint8ClampedArray(size * size * 4);
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column < size; column += 1) {
      const value = plane[row * size + column] ?? Number.NaN;
      bytes.set(colour(value, look), (row * size + column) * 4);
    }
  }
  return bytes;
}

function colour(value: number, look: Look): [number, number, number, number] {
  if (!Number.isFinite(value)) return [...NO_DATA, 255];
  const share = level(value, look.range, look.stretch, look.symmetric);
  if (!look.signed) {
    const grey = 255 * (look.inverted ? 1 - share : share);
    return [grey, grey, grey, 255];
  }
  const sign = 2 * share - 1;
  const strong = Math.abs(sign);
  const weak = Math.max(0, 2 * strong - 1);
  const hue: [number, number, number] =
    sign < 0
      ? [90 * weak, 90 * strong + 110 * weak, 255 * strong]
      : [255 * strong, 60 * strong + 140 * weak, 90 * weak];
  const shown = look.inverted ? hue.map((one) => 255 - one) : hue;
  return [shown[0] ?? 0, shown[1] ?? 0, shown[2] ?? 0, 255];
}
