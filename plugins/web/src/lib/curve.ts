/** What is drawn of a light curve. */

import type { Curve } from "../api/types";

/** Found by the search, measured at a known place whatever is there, fainter than what that or the whole exposure shows. */
export type ReadingKind = "found" | "forced" | "limit" | "depth";

/** A measurement or an upper limit. */
export interface Reading {
  kind: ReadingKind;
  mid_mjd: number;
  band: string;
  flux: number | null;
  flux_err: number | null;
  mag: number | null;
  mag_err: number | null;
  isThis: boolean;
  reference: string | null;
}

export const isLimit = ({ kind }: Pick<Reading, "kind">) => kind === "limit" || kind === "depth";

/** Measurements and limits in the order of time; of one exposure what was found comes last, so that it is drawn on top. */
export function readings(curve: Curve, detection: string): Reading[] {
  const points = curve.points.map((point): Reading => ({
    ...point,
    kind: "found",
    mag: point.mag_ab,
    isThis: point.detection_id === detection,
    reference: point.reference_digest,
  }));
  const forced = curve.forced
    .filter((one) => one.flux !== null)
    .map((one): Reading => ({
      ...one,
      kind: "forced",
      mag: one.mag_ab,
      isThis: false,
      reference: one.reference_digest,
    }));
  const limits = curve.limits.map((limit): Reading => ({
    ...limit,
    kind: limit.is_forced ? "limit" : "depth",
    flux: null,
    flux_err: null,
    mag: limit.limit_mag,
    mag_err: null,
    isThis: false,
    reference: limit.reference_digest,
  }));
  return [...limits, ...forced, ...points].sort((one, other) => one.mid_mjd - other.mid_mjd);
}
