/** How float pixels become grey levels: limits, curves and colours. Pure; no canvas here. */

export type Stretch = "zscale" | "asinh" | "linear" | "percentile";
export const STRETCHES: readonly Stretch[] = ["zscale", "asinh", "linear", "percentile"];

export interface Range {
  low: number;
  high: number;
}

/** Where asinh turns from linear to logarithmic, as a fraction of the range. */
const SOFTENING = 0.1;
const CONTRAST = 0.25;
const MIN_KEPT = 5;
const MAX_REJECTED = 0.5;
const REJECT_SIGMA = 2.5;
const ROUNDS = 5;

/** The finite values, sorted. */
export function sorted(planes: readonly Float32Array[]): Float32Array {
  const all: number[] = [];
  for (const plane of planes) for (const value of plane) if (Number.isFinite(value)) all.push(value);
  return Float32Array.from(all).sort();
}

/** The value below which this percentage of the sorted values lies, interpolated between neighbours. */
export function percentile(values: Float32Array, percent: number): number {
  if (values.length === 0) return Number.NaN;
  const place = (Math.min(Math.max(percent, 0), 100) / 100) * (values.length - 1);
  const below = Math.floor(place);
  const low = values[below] ?? Number.NaN;
  const high = values[Math.min(below + 1, values.length - 1)] ?? low;
  return low + (high - low) * (place - below);
}

/**
 * The limits of IRAF's zscale: a line through the sorted values, outliers left out, drawn steeper by the contrast.
 * It shows faint things beside bright ones, because the few bright pixels do not decide.
 */
export function zscale(values: Float32Array): Range {
  const n = values.length;
  if (n === 0) return { low: 0, high: 1 };
  const lowest = values[0] ?? 0;
  const highest = values[n - 1] ?? 1;
  const fit = fitLine(values);
  if (fit === null) return { low: lowest, high: highest };
  const slope = fit.slope / CONTRAST;
  const middle = Math.floor((n - 1) / 2);
  const median = percentile(values, 50);
  return {
    low: Math.max(lowest, median - (middle - 1) * slope),
    high: Math.min(highest, median + (n - middle) * slope),
  };
}

function fitLine(values: Float32Array): { slope: number } | null {
  const n = values.length;
  const enough = Math.max(MIN_KEPT, Math.floor(n * MAX_REJECTED));
  const grow = Math.max(1, Math.floor(n * 0.01));
  let isBad = new Uint8Array(n);
  let nKept = n;
  let before = n + 1;
  let slope = 0;
  for (let round = 0; round < ROUNDS && nKept < before && nKept >= enough; round += 1) {
    before = nKept;
    const line = leastSquares(values, isBad);
    slope = line.slope;
    const residuals = Float64Array.from(values, (value, i) => value - (line.slope * i + line.offset));
    const limit = REJECT_SIGMA * deviation(residuals, isBad);
    const rejected = residuals.map((value, i) => (isBad[i] === 1 || Math.abs(value) > limit ? 1 : 0));
    isBad = widen(rejected, grow);
    nKept = isBad.reduce((sum, bad) => sum + (1 - bad), 0);
  }
  return nKept >= enough ? { slope } : null;
}

function leastSquares(values: Float32Array, isBad: Uint8Array): { slope: number; offset: number } {
  let n = 0;
  let sx = 0;
  let sy = 0;
  let sxx = 0;
  let sxy = 0;
  values.forEach((value, i) => {
    if (isBad[i] === 1) return;
    n += 1;
    sx += i;
    sy += value;
    sxx += i * i;
    sxy += i * value;
  });
  const spread = n * sxx - sx * sx;
  const slope = spread === 0 ? 0 : (n * sxy - sx * sy) / spread;
  return { slope, offset: n === 0 ? 0 : (sy - slope * sx) / n };
}

function deviation(values: Float64Array, isBad: Uint8Array): number {
  const kept = values.filter((_, i) => isBad[i] === 0);
  const mean = kept.reduce((sum, value) => sum + value, 0) / kept.length;
  return Math.sqrt(kept.reduce((sum, value) => sum + (value - mean) ** 2, 0) / kept.length);
}

/** A rejected value takes its neighbours with it, as far as a window of this width reaches. */
function widen(rejected: Float64Array, width: number): Uint8Array<ArrayBuffer> {
  const wide = new Uint8Array(rejected.length);
  // The window of an even width reaches further up than down.
  const down = Math.floor((width - 1) / 2);
  rejected.forEach((bad, i) => {
    if (bad === 1) wide.fill(1, Math.max(0, i - down), Math.min(rejected.length, i - down + width));
  });
  return wide;
}

/** The limits to draw these planes with. A difference is symmetric about zero, so that no change is mid-grey. */
export function limits(planes: readonly Float32Array[], stretch: Stretch, symmetric: boolean): Range {
  const values = sorted(planes);
  if (values.length === 0) return { low: 0, high: 1 };
  const range = plainLimits(values, stretch);
  if (symmetric) {
    const reach = Math.max(Math.abs(range.low), Math.abs(range.high));
    return opened({ low: -reach, high: reach });
  }
  return opened(range);
}

function plainLimits(values: Float32Array, stretch: Stretch): Range {
  switch (stretch) {
    case "zscale":
      return zscale(values);
    case "asinh":
      return { low: percentile(values, 1), high: percentile(values, 99.7) };
    case "percentile":
      return { low: percentile(values, 0.5), high: percentile(values, 99.5) };
    case "linear":
      return { low: values[0] ?? 0, high: values[values.length - 1] ?? 1 };
  }
}

/** A range of no width would divide by zero. */
function opened(range: Range): Range {
  if (range.high > range.low) return range;
  return { low: range.low - 1, high: range.low + 1 };
}

/** The value on 0 to 1; a symmetric asinh bends away from zero in both directions. */
export function level(value: number, range: Range, stretch: Stretch, symmetric: boolean): number {
  const share = (value - range.low) / (range.high - range.low);
  const clipped = Math.min(Math.max(share, 0), 1);
  if (stretch !== "asinh") return clipped;
  if (!symmetric) return Math.asinh(clipped / SOFTENING) / Math.asinh(1 / SOFTENING);
  const signed = 2 * clipped - 1;
  return 0.5 + (0.5 * Math.asinh(signed / SOFTENING)) / Math.asinh(1 / SOFTENING);
}
