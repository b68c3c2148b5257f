/** What else is known around a detection, drawn as a chart and told as a list. */

import { useEffect, useMemo, useRef } from "react";

import type { Detection, Neighbours } from "../api/types";
import { offsetArcsec, type Position } from "../lib/sky";
import { useGet } from "./useGet";

const SIDE = 300;
const NEAREST_SHOWN = 6;
const RADIUS_ARCSEC = 60;

interface Mark extends Position {
  kind: "catalog" | "history" | "star";
  name: string;
  separation_arcsec: number;
}

/** All that is near in one list, nearest first. */
export function marksOf(around: Neighbours): Mark[] {
  const marks: Mark[] = [
    ...around.objects.map((one) => ({ ...one, kind: "catalog" as const, name: `${one.id.slice(0, 8)}, ${one.note}` })),
    ...around.detections.map((one) => ({ ...one, kind: "history" as const, name: `detected ${one.note}` })),
    ...around.stars.map((one) => ({ ...one, kind: "star" as const, name: around.stars_from ?? "" })),
  ];
  return marks.sort((one, other) => one.separation_arcsec - other.separation_arcsec);
}

export function Finder({ detection }: { detection: Detection }) {
  const asked = { radius_arcsec: RADIUS_ARCSEC };
  const { data, error } = useGet<Neighbours>(`detections/${encodeURIComponent(detection.id)}/neighbours`, asked);
  const marks = useMemo(() => (data === null ? [] : marksOf(data)), [data]);
  if (detection.ra_deg === null || detection.dec_deg === null)
    return (
      <section className="box p-2" aria-label="Neighbours">
        <h3 className="text-sm font-semibold">Finder chart</h3>
        <p className="label">The image has no sky coordinates.</p>
      </section>
    );
  return (
    <section className="box p-2" aria-label="Neighbours">
      <h3 className="text-sm font-semibold">Finder chart</h3>
      <Chart middle={{ ra_deg: detection.ra_deg, dec_deg: detection.dec_deg }} marks={marks} />
      {error && <p className="text-bogus">{error}</p>}
      {data !== null && marks.length === 0 && <p className="label">Nothing known within {RADIUS_ARCSEC}″.</p>}
      <ul className="mt-1 space-y-0.5 text-xs">
        {marks.slice(0, NEAREST_SHOWN).map((one, i) => (
          <li key={i} className="flex gap-2">
            <span className="w-12 shrink-0 text-right font-mono">{one.separation_arcsec.toFixed(1)}″</span>
            <span className="w-14 shrink-0 text-soft">{one.kind}</span>
            <span className="min-w-0 truncate">{one.name}</span>
          </li>
        ))}
      </ul>
      {marks.length > NEAREST_SHOWN && (
        <p className="label">
          and {marks.length - NEAREST_SHOWN} more within {RADIUS_ARCSEC}″
        </p>
      )}
      <p className="label">● star · ◼ object of the catalog · ◯ earlier detection</p>
    </section>
  );
}

function Chart({ middle, marks }: { middle: Position; marks: readonly Mark[] }) {
  const ref = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = ref.current?.getContext("2d");
    if (context) drawChart(context, middle, marks);
  }, [middle.ra_deg, middle.dec_deg, marks]);
  return (
    <canvas
      ref={ref}
      width={SIDE}
      height={SIDE}
      role="img"
      aria-label={`Chart of ${marks.length} neighbours; the list below names the nearest`}
      className="mx-auto block aspect-square w-full max-w-60 rounded-sm bg-ground"
    />
  );
}

function drawChart(context: CanvasRenderingContext2D, middle: Position, marks: readonly Mark[]): void {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const scale = SIDE / 2 / (RADIUS_ARCSEC * 1.05);
  context.clearRect(0, 0, SIDE, SIDE);
  for (const one of marks) {
    const offset = offsetArcsec(middle, one);
    if (offset === null) continue;
    // East is left, as on the sky.
    const [x, y] = [SIDE / 2 - offset.east * scale, SIDE / 2 - offset.north * scale];
    context.fillStyle = context.strokeStyle = colour(one.kind === "star" ? "--soft" : "--accent");
    context.lineWidth = 1.5;
    context.beginPath();
    if (one.kind === "catalog") context.fillRect(x - 4, y - 4, 8, 8);
    else context.arc(x, y, one.kind === "star" ? 3 : 6, 0, 2 * Math.PI);
    if (one.kind === "star") context.fill();
    else context.stroke();
  }
  context.strokeStyle = colour("--bogus");
  context.lineWidth = 2;
  context.beginPath();
  for (const [dx, dy] of [
    [-1, 0],
    [1, 0],
    [0, -1],
    [0, 1],
  ] as const) {
    context.moveTo(SIDE / 2 + dx * 8, SIDE / 2 + dy * 8);
    context.lineTo(SIDE / 2 + dx * 18, SIDE / 2 + dy * 18);
  }
  context.stroke();
  context.fillStyle = colour("--soft");
  context.font = "12px sans-serif";
  context.fillText("N", SIDE / 2 - 4, 12);
  context.fillText("E", 4, SIDE / 2 + 4);
  context.fillText(`${(2.1 * RADIUS_ARCSEC).toFixed(0)}″ across`, 4, SIDE - 6);
}
