/** Float pixels of one detection, kept until they are shown. */

import { address, request } from "./client";

export const PLANES = ["science", "reference", "difference", "score"] as const;
export type PlaneName = (typeof PLANES)[number];

export interface Stamps {
  size: number;
  planes: Partial<Record<PlaneName, Float32Array>>;
  /** Null where the image has no sky coordinates. */
  scaleArcsec: number | null;
  isNorthUp: boolean;
  /** By how much north is off the vertical: pictures are turned by right angles only. */
  offDeg: number;
}

const HALF_PIX = 31;
const MOST_KEPT = 60;
const kept = new Map<string, Promise<Stamps>>();

/** The stamps of a detection; asked for once, however often they are shown. */
export function stampsOf(id: string): Promise<Stamps> {
  const found = kept.get(id);
  if (found !== undefined) return found;
  const asked = fetchStamps(id);
  kept.set(id, asked);
  // A failure is not kept: the next look asks again.
  asked.catch(() => kept.delete(id));
  const oldest = kept.keys().next().value;
  if (kept.size > MOST_KEPT && oldest !== undefined) kept.delete(oldest);
  return asked;
}

async function fetchStamps(id: string): Promise<Stamps> {
  const url = address(`detections/${encodeURIComponent(id)}/pixels`, { half_pix: HALF_PIX, planes: 4 });
  const answer = await request(url, {});
  const shape = (answer.headers.get("X-Astrid-Shape") ?? "").split(",").map(Number);
  const scale = Number(answer.headers.get("X-Astrid-Scale-Arcsec"));
  return unpack(await answer.arrayBuffer(), shape, {
    scaleArcsec: Number.isFinite(scale) && scale > 0 ? scale : null,
    ...orientationOf(answer.headers.get("X-Astrid-Orientation") ?? ""),
  });
}

/** From ``sky; north=up; east=left; off_deg=1.2`` or ``frame; y=up``. */
export function orientationOf(told: string): { isNorthUp: boolean; offDeg: number } {
  const off = Math.abs(Number(/off_deg=(-?[\d.]+)/.exec(told)?.[1] ?? 0));
  return { isNorthUp: told.includes("north=up"), offDeg: Number.isFinite(off) ? off : 0 };
}

/** Planes one after another, each row by row from the top, little endian. */
export function unpack(bytes: ArrayBuffer, shape: number[], sky: Omit<Stamps, "size" | "planes">): Stamps {
  const [n = 0, ny = 0, nx = 0] = shape;
  if (ny !== nx || bytes.byteLength !== 4 * n * ny * nx)
    throw new Error(`pixels do not fit their shape ${shape.join(" × ")}`);
  const view = new DataView(bytes);
  const planes: Stamps["planes"] = {};
  PLANES.slice(0, n).forEach((name, plane) => {
    planes[name] = Float32Array.from({ length: ny * nx }, (_, i) => view.getFloat32(4 * (plane * ny * nx + i), true));
  });
  return { size: nx, planes, ...sky };
}
