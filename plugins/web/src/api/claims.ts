/** What the server keeps for this reviewer, so that two do not look at the same thing for nothing. */

import type { Filters, Place } from "../lib/place";
import { apiFilters } from "../lib/place";
import { get, post, type Page } from "./client";
import type { Claim, Detection } from "./types";

export async function claimMore(place: Place, n: number): Promise<Detection[]> {
  const body = { order: place.order, blind: place.blind, n, filters: apiFilters(place.filters) };
  return (await post<Page<Detection>>("queue/claim", body)).items;
}

/** What was claimed before and still holds; with or without the opinion of the network. */
export async function heldClaims(blind: boolean): Promise<Detection[]> {
  return (await get<Page<Detection>>("queue/claims", { blind })).items;
}

/** The same detections, in the same order, with or without the opinion of the network; those that ended are left out. */
export async function blinded(items: readonly Detection[], blind: boolean): Promise<Detection[]> {
  const held = new Map((await heldClaims(blind)).map((one) => [one.id, one]));
  return items.flatMap((item) => held.get(item.id) ?? []);
}

/** Give back, one by one; a lease that cannot be given back ends by itself. */
export async function releaseAll(ids: readonly string[]): Promise<void> {
  await Promise.all(ids.map((id) => post(`queue/${encodeURIComponent(id)}/release`, {}).catch(() => undefined)));
}

/** Keep longer; fails as a whole where one lease has ended. */
export async function extendAll(ids: readonly string[]): Promise<Claim[]> {
  return post<Claim[]>("queue/extend", { detections: ids });
}

/** Whether a detection that is held already is one of those that are asked for now; in doubt it is not. */
export function fits(detection: Detection, filters: Filters): boolean {
  if (filters.cell) return false;
  const score = detection.opinion?.score ?? null;
  const [least, most] = [Number(filters.min_score ?? 0), Number(filters.max_score ?? 1)];
  const scored = !filters.min_score && !filters.max_score ? true : score !== null && score >= least && score <= most;
  const equal = (["night", "survey", "band"] as const).every(
    (name) => !filters[name] || filters[name] === detection[name],
  );
  return equal && scored && (!filters.kind || filters.kind === detection.opinion?.kind);
}
