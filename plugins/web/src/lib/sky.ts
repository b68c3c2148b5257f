/** Angles on the sky, and how they are written. */

const DEG = Math.PI / 180;

export interface Position {
  ra_deg: number;
  dec_deg: number;
}

/** East and north of the middle, arcseconds, on the plane that touches the sphere there. Null behind it. */
export function offsetArcsec(middle: Position, other: Position): { east: number; north: number } | null {
  const dRa = (other.ra_deg - middle.ra_deg) * DEG;
  const [d0, d1] = [middle.dec_deg * DEG, other.dec_deg * DEG];
  const cosine = Math.sin(d0) * Math.sin(d1) + Math.cos(d0) * Math.cos(d1) * Math.cos(dRa);
  if (cosine <= 0) return null;
  const east = (Math.cos(d1) * Math.sin(dRa)) / cosine;
  const north = (Math.cos(d0) * Math.sin(d1) - Math.sin(d0) * Math.cos(d1) * Math.cos(dRa)) / cosine;
  return { east: (east / DEG) * 3600, north: (north / DEG) * 3600 };
}

/** Arcseconds between places that lie on one half of the sky; without end beyond. */
export function separation(one: Position, other: Position): number {
  const offset = offsetArcsec(one, other);
  return offset === null ? Number.POSITIVE_INFINITY : Math.hypot(offset.east, offset.north);
}

/** The whole sky on an ellipse two units wide each way, equal areas kept (Mollweide); east is left, as one looks up. */
export function mollweide(position: Position, middleRaDeg = 180): { x: number; y: number } {
  const lat = position.dec_deg * DEG;
  const lon = wrap(position.ra_deg - middleRaDeg) * DEG;
  let theta = lat;
  if (Math.abs(Math.abs(position.dec_deg) - 90) > 1e-9) {
    for (let round = 0; round < 50; round += 1) {
      const step = (2 * theta + Math.sin(2 * theta) - Math.PI * Math.sin(lat)) / (2 + 2 * Math.cos(2 * theta));
      theta -= step;
      if (Math.abs(step) < 1e-12) break;
    }
  }
  return { x: -((2 * lon) / Math.PI) * Math.cos(theta), y: Math.sin(theta) };
}

function wrap(deg: number): number {
  return ((((deg + 180) % 360) + 360) % 360) - 180;
}

/** 12:34:56.78, hours of right ascension. */
export function raText(deg: number): string {
  return sixty((((deg % 360) + 360) % 360) / 15, 2, 24);
}

/** +12:34:56.7, degrees of declination. */
export function decText(deg: number): string {
  return `${deg < 0 ? "-" : "+"}${sixty(Math.abs(deg), 1, null)}`;
}

function sixty(value: number, digits: number, wrapAt: number | null): string {
  // Rounded once, as a whole: 59.999 must not be written as 60.
  const scale = 10 ** digits;
  let units = Math.round(value * 3600 * scale);
  if (wrapAt !== null) units %= wrapAt * 3600 * scale;
  const seconds = (units / scale) % 60;
  const minutes = Math.floor(units / scale / 60) % 60;
  const whole = Math.floor(units / scale / 3600);
  const two = (number: number) => String(number).padStart(2, "0");
  return `${two(whole)}:${two(minutes)}:${seconds.toFixed(digits).padStart(digits + 3, "0")}`;
}

const MJD_OF_1970 = 40587;

/** The day, UTC, that a modified Julian date falls into. */
export function mjdDate(mjd: number): string {
  return new Date((mjd - MJD_OF_1970) * 86_400_000).toISOString().slice(0, 10);
}

/** Round values between two limits for an axis, three to six of them, with as many digits as tell them apart. */
export function ticks(low: number, high: number): { value: number; text: string }[] {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((part) => part * power).find((one) => one >= rough * 0.999) ?? rough;
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.max(Math.floor(high / step) - first + 1, 0) }, (_, i) => {
    const value = (first + i) * step;
    return { value, text: Math.abs(value) >= 1e6 ? value.toExponential(2) : value.toFixed(digits) };
  });
}

/** A number with a unit that reads well, or a dash. */
export function shown(value: number | null | undefined, digits = 2): string {
  return value === null || value === undefined || !Number.isFinite(value) ? "–" : value.toFixed(digits);
}
