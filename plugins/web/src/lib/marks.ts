/** What is drawn around a detection. Pure. */

import type { Known, Neighbours } from "../api/types";
import { separation, shown, type Position } from "./sky";

export interface Mark extends Position {
  kind: "catalog" | "history" | "star" | "known" | "moving";
  name: string;
  separation_arcsec: number;
}

/** A detection this close to an object of the catalog is one of its own and needs no mark beside it. */
const SAME_ARCSEC = 1;

/** All that is near and belongs to something else in one list, nearest first. */
export function marksOf(around: Neighbours): Mark[] {
  const isAlone = (one: Position) => around.objects.every((object) => separation(object, one) > SAME_ARCSEC);
  const marks: Mark[] = [
    ...around.objects.map((one) => ({ ...one, kind: "catalog" as const, name: `${one.note} ${one.id.slice(0, 8)}` })),
    ...around.detections.filter(isAlone).map((one) => ({ ...one, kind: "history" as const, name: one.note })),
    ...around.stars.map((one) => ({
      ...one,
      kind: "star" as const,
      name: one.mag_ab === null ? (around.stars_from ?? "") : `${one.band} ${shown(one.mag_ab, 1)} mag`,
    })),
    ...around.known.map((one) => ({ ...one, kind: "known" as const, name: nameOf(one) })),
    ...around.minor_planets.map((one) => ({
      ...one,
      kind: "moving" as const,
      name: one.mag_v === null ? one.name : `${one.name}, V ${shown(one.mag_v, 1)}`,
    })),
  ];
  return marks.sort((one, other) => one.separation_arcsec - other.separation_arcsec);
}

function nameOf({ kind, type, id, redshift }: Known): string {
  return `${type || kind} ${id}${redshift === null ? "" : `, z ${shown(redshift, 3)}`}`;
}
