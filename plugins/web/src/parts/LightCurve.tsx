/** Brightness over time: errors, upper limits, and which reference each point was measured against. */

import { useMemo } from "react";

import type { Curve, Detection } from "../api/types";
import { mjdDate, shown, ticks } from "../lib/sky";
import { Trouble } from "./Trouble";
import { useGet } from "./useGet";

const WIDE = 420;
const HIGH = 190;
const PAD = { left: 52, right: 10, top: 10, bottom: 30 };
const SHAPES = ["●", "■", "◆", "▲", "✚", "★"];

/** A measurement or an upper limit. */
interface Reading {
  mid_mjd: number;
  band: string;
  flux: number | null;
  flux_err: number | null;
  mag: number | null;
  mag_err: number | null;
  isLimit: boolean;
  isThis: boolean;
  reference: string | null;
}

interface Drawn {
  reading: Reading;
  x: number;
  y: number;
  low: number | null;
  high: number | null;
  shape: string;
}

/** Measurements and limits in the order of time. */
export function readings(curve: Curve, detection: string): Reading[] {
  const points = curve.points.map((point) => ({
    ...point,
    mag: point.mag_ab,
    isLimit: false,
    isThis: point.detection_id === detection,
    reference: point.reference_digest,
  }));
  const limits = curve.limits.map((limit) => ({
    ...limit,
    flux: null,
    flux_err: null,
    mag: limit.limit_mag,
    mag_err: null,
    isLimit: true,
    isThis: false,
    reference: limit.reference_digest,
  }));
  return [...points, ...limits].sort((one, other) => one.mid_mjd - other.mid_mjd);
}

export function LightCurve({ detection }: { detection: Pick<Detection, "id"> }) {
  const { id } = detection;
  const { data, error } = useGet<Curve>(`detections/${encodeURIComponent(id)}/lightcurve`);
  const points = useMemo(() => (data === null ? [] : readings(data, id)), [data, id]);
  const references = useMemo(() => [...new Set(points.map((point) => point.reference ?? "none"))], [points]);
  const drawing = useMemo(() => draw(points, references), [points, references]);

  return (
    <section className="box p-2" aria-label="Light curve">
      <h3 className="text-sm font-semibold">Light curve</h3>
      <Trouble>{error}</Trouble>
      {!error && data === null && <p className="label">Fetching the light curve…</p>}
      {data !== null && drawing === null && <p className="label">No measurement at this place yet.</p>}
      {drawing && (
        <>
          <svg
            viewBox={`0 0 ${WIDE} ${HIGH}`}
            className="w-full"
            role="img"
            aria-label={`Light curve with ${points.length} points; the table below has the numbers`}
          >
            <Axes drawing={drawing} />
            {drawing.points.map((one, i) => (
              <Mark key={i} one={one} />
            ))}
          </svg>
          <p className="label">
            ▽ upper limit; circled: this detection.{" "}
            {references
              .map(
                (reference, i) =>
                  `${SHAPES[i % SHAPES.length]} ${reference === "none" ? "no reference told" : `reference ${reference.slice(0, 8)}`}`,
              )
              .join("  ")}
          </p>
          <PointTable points={points} />
        </>
      )}
    </section>
  );
}

function Mark({ one }: { one: Drawn }) {
  if (one.reading.isLimit)
    return (
      <text x={one.x} y={one.y + 4} textAnchor="middle" className="fill-soft text-[13px]">
        ▽
      </text>
    );
  return (
    <g className="text-accent">
      {one.low !== null && one.high !== null && (
        <line x1={one.x} x2={one.x} y1={one.low} y2={one.high} stroke="currentColor" strokeWidth="1.2" />
      )}
      <text x={one.x} y={one.y + 4} textAnchor="middle" className="fill-current text-[11px]">
        {one.shape}
      </text>
      {one.reading.isThis && (
        <circle cx={one.x} cy={one.y} r="8" fill="none" className="stroke-unsure" strokeWidth="2" />
      )}
    </g>
  );
}

function Axes({ drawing }: { drawing: NonNullable<ReturnType<typeof draw>> }) {
  const bottom = HIGH - PAD.bottom;
  return (
    <g className="fill-soft text-[10px]">
      <path d={`M${PAD.left} ${PAD.top}V${bottom}H${WIDE - PAD.right}`} className="fill-none stroke-line" />
      {drawing.yTicks.map((tick) => (
        <text key={tick.at} x={PAD.left - 4} y={tick.at + 3} textAnchor="end">
          {tick.text}
        </text>
      ))}
      {drawing.xTicks.map((tick) => (
        <text key={tick.at} x={tick.at} y={bottom + 13} textAnchor="middle">
          {tick.text}
        </text>
      ))}
      <text x={(PAD.left + WIDE - PAD.right) / 2} y={HIGH - 3} textAnchor="middle">
        {drawing.days}
      </text>
      <text
        x={10}
        y={(PAD.top + bottom) / 2}
        textAnchor="middle"
        transform={`rotate(-90 10 ${(PAD.top + bottom) / 2})`}
      >
        {drawing.unit}
      </text>
    </g>
  );
}

function draw(points: readonly Reading[], references: readonly string[]) {
  const usesMag = points.some((point) => point.mag !== null && !point.isLimit);
  const used = points.flatMap((reading) => {
    const value = usesMag ? reading.mag : reading.flux;
    const error = usesMag ? reading.mag_err : reading.flux_err;
    return value === null || !Number.isFinite(value) ? [] : [{ reading, value, error }];
  });
  if (used.length === 0) return null;
  const [x0, x1] = spread(
    used.map((one) => one.reading.mid_mjd),
    0.5,
  );
  const [y0, y1] = spread(
    used.flatMap((one) => [one.value - (one.error ?? 0), one.value + (one.error ?? 0)]),
    usesMag ? 0.2 : 1,
  );
  const x = (value: number) => PAD.left + ((value - x0) / (x1 - x0)) * (WIDE - PAD.left - PAD.right);
  const share = (value: number) => (value - y0) / (y1 - y0);
  // Magnitudes grow downwards: brighter is up.
  const y = (value: number) => PAD.top + (usesMag ? share(value) : 1 - share(value)) * (HIGH - PAD.top - PAD.bottom);
  return {
    unit: usesMag ? "mag (AB)" : "flux (counts)",
    days: `MJD, ${mjdDate(x0)}${mjdDate(x0) === mjdDate(x1) ? "" : ` to ${mjdDate(x1)}`} (UTC)`,
    xTicks: ticks(x0, x1).map(({ value, text }) => ({ at: x(value), text })),
    yTicks: ticks(y0, y1).map(({ value, text }) => ({ at: y(value), text })),
    points: used.map(({ reading, value, error }): Drawn => ({
      reading,
      x: x(reading.mid_mjd),
      y: y(value),
      low: error === null ? null : y(value - error),
      high: error === null ? null : y(value + error),
      shape: SHAPES[references.indexOf(reading.reference ?? "none") % SHAPES.length] ?? "●",
    })),
  };
}

function spread(values: readonly number[], least: number): [number, number] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = Math.max((high - low) * 0.08, high - low < least ? least / 2 : 0);
  return [low - room, high + room];
}

function PointTable({ points }: { points: readonly Reading[] }) {
  return (
    <details className="mt-1">
      <summary className="label">The numbers</summary>
      <div className="max-h-48 overflow-auto" tabIndex={0} role="region" aria-label="Points of the light curve">
        <table className="w-full text-xs">
          <thead>
            <tr>
              <th>MJD</th>
              <th>band</th>
              <th>flux</th>
              <th>mag</th>
              <th>limit</th>
              <th>reference</th>
            </tr>
          </thead>
          <tbody>
            {points.map((point, i) => (
              <tr key={i}>
                <td>{shown(point.mid_mjd, 4)}</td>
                <td>{point.band}</td>
                <td>
                  {shown(point.flux, 1)} ± {shown(point.flux_err, 1)}
                </td>
                <td>{point.isLimit ? "–" : `${shown(point.mag)} ± ${shown(point.mag_err)}`}</td>
                <td>{point.isLimit ? shown(point.mag) : "–"}</td>
                <td className="font-mono">{point.reference?.slice(0, 8) ?? "–"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
