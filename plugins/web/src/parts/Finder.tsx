/** What else is known around a detection, drawn as a chart and told as a list. */

import { useEffect, useRef } from "react";

import type { Page } from "../api/client";
import type { Detection, Neighbour } from "../api/types";
import { offsetArcsec, shown } from "../lib/sky";
import { useGet } from "./useGet";

const SIDE = 300;
const NEAREST_SHOWN = 8;
/** Tenths of the sky's size that a chart may show, arcseconds from the middle to the edge. */
const REACHES = [10, 20, 30, 60, 120, 300, 600];

export function Finder({ detection }: { detection: Detection }) {
  const { data, error } = useGet<Page<Neighbour>>(`detections/${encodeURIComponent(detection.id)}/neighbours`);
  const around = data?.items ?? [];
  return (
    <section className="box p-2" aria-label="Neighbours">
      <h3 className="text-sm font-semibold">Finder chart</h3>
      {detection.ra_deg === null || detection.dec_deg === null ? (
        <p className="label">The image has no sky coordinates.</p>
      ) : (
        <Chart middle={{ ra_deg: detection.ra_deg, dec_deg: detection.dec_deg }} around={around} />
      )}
      {error && <p className="text-bogus">{error}</p>}
      {data !== null && around.length === 0 && <p className="label">Nothing known nearby.</p>}
      <ul className="mt-1 space-y-0.5 text-xs">
        {around.slice(0, NEAREST_SHOWN).map((one, i) => (
          <li key={i} className="flex gap-2">
            <span className="w-14 shrink-0 text-right font-mono">{one.separation_arcsec.toFixed(1)}″</span>
            <span className="w-20 shrink-0 text-soft">{one.source}</span>
            <span className="min-w-0 truncate">{one.name}</span>
            <span className="ml-auto font-mono">{one.mag === null ? "" : one.mag.toFixed(1)}</span>
          </li>
        ))}
      </ul>
      {around.length > NEAREST_SHOWN && <p className="label">and {around.length - NEAREST_SHOWN} more; the nearest is at {shown(around[0]?.separation_arcsec, 1)}″</p>}
    </section>
  );
}

function Chart({ middle, around }: { middle: { ra_deg: number; dec_deg: number }; around: readonly Neighbour[] }) {
  const ref = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = ref.current?.getContext("2d");
    if (!context) return;
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const furthest = Math.max(5, ...around.map((one) => one.separation_arcsec));
    const reach = REACHES.find((one) => one >= furthest) ?? furthest;
    const scale = SIDE / 2 / (reach * 1.1);
    context.clearRect(0, 0, SIDE, SIDE);
    context.font = "11px sans-serif";
    for (const one of around) {
      const offset = offsetArcsec(middle, one);
      if (offset === null) continue;
      // East is left, as on the sky.
      const [x, y] = [SIDE / 2 - offset.east * scale, SIDE / 2 - offset.north * scale];
      const radius = one.mag === null ? 3 : Math.min(Math.max((23 - one.mag) * 0.8, 1.5), 9);
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.fillStyle = context.strokeStyle = colour(one.source === "history" ? "--accent" : "--soft");
      if (one.source === "minor planet") context.stroke();
      else context.fill();
    }
    context.strokeStyle = colour("--real");
    context.lineWidth = 2;
    for (const [dx, dy] of [[-1, 0], [1, 0], [0, -1], [0, 1]] as const) {
      context.beginPath();
      context.moveTo(SIDE / 2 + dx * 5, SIDE / 2 + dy * 5);
      context.lineTo(SIDE / 2 + dx * 14, SIDE / 2 + dy * 14);
      context.stroke();
    }
    context.fillStyle = colour("--soft");
    context.fillText("N", SIDE / 2 - 4, 11);
    context.fillText("E", 4, SIDE / 2 + 4);
    context.fillText(`${(2 * reach * 1.1).toFixed(0)}″ across`, 4, SIDE - 5);
  }, [middle.ra_deg, middle.dec_deg, around]);
  return (
    <canvas
      ref={ref}
      width={SIDE}
      height={SIDE}
      role="img"
      aria-label={`Chart of ${around.length} neighbours; the list below names the nearest`}
      className="mx-auto block aspect-square w-full max-w-72 rounded-sm bg-ground"
    />
  );
}
