/** Brightness over time: errors, upper limits, and which reference each point was measured against. */

import { useMemo } from "react";

import type { Curve, Detection } from "../api/types";
import { isLimit, readings, type Reading, type ReadingKind } from "../lib/curve";
import { mjdDate, shown, ticks } from "../lib/sky";
import { Trouble } from "./Trouble";
import { useGet } from "./useGet";

const WIDE = 420;
const HIGH = 190;
const PAD = { left: 52, right: 10, top: 10, bottom: 30 };
const SHAPES = ["●", "■", "◆", "▲", "★"];
const OPEN_SHAPES = ["○", "□", "◇", "△", "☆"];
const WORDS: Record<ReadingKind, string> = {
  found: "found",
  forced: "measured at its place",
  limit: "upper limit at its place",
  depth: "depth of the exposure",
};
/** How long the arrow of a limit is; so much room is left for it below. */
const ARROW = 13;

interface Drawn {
  reading: Reading;
  x: number;
  y: number;
  low: number | null;
  high: number | null;
  shape: string;
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
            aria-label={`Light curve: ${counted(drawing)}; the table below has the numbers`}
          >
            <Axes drawing={drawing} />
            {drawing.points.map((one, i) => (
              <Mark key={i} one={one} />
            ))}
          </svg>
          <Legend references={references} drawing={drawing} />
          <PointTable points={points} />
        </>
      )}
    </section>
  );
}

function Mark({ one }: { one: Drawn }) {
  const { kind } = one.reading;
  if (isLimit(one.reading)) return <Arrow x={one.x} y={one.y} dashed={kind === "depth"} title={WORDS[kind]} />;
  return (
    <g className={kind === "found" ? "text-accent" : "text-ink"}>
      <title>{WORDS[kind]}</title>
      {one.low !== null && one.high !== null && (
        <line x1={one.x} x2={one.x} y1={one.low} y2={one.high} stroke="currentColor" strokeWidth="1.2" />
      )}
      <text
        x={one.x}
        y={one.y + (kind === "found" ? 4 : 5)}
        textAnchor="middle"
        className={`fill-current ${kind === "found" ? "text-[11px]" : "text-[15px]"}`}
      >
        {one.shape}
      </text>
      {one.reading.isThis && (
        <circle cx={one.x} cy={one.y} r="10" fill="none" className="stroke-unsure" strokeWidth="2" />
      )}
    </g>
  );
}

/** Fainter than this: downwards. */
function Arrow({ x, y, dashed, title }: { x: number; y: number; dashed: boolean; title: string }) {
  return (
    <g className="fill-none stroke-soft" strokeWidth="1.3">
      <title>{title}</title>
      <path d={`M${x - 4} ${y}h8`} />
      <path d={`M${x} ${y}v${ARROW}`} strokeDasharray={dashed ? "2 2" : undefined} />
      <path d={`M${x - 3} ${y + ARROW - 4}l3 4l3 -4`} />
    </g>
  );
}

function Legend({
  references,
  drawing,
}: {
  references: readonly string[];
  drawing: NonNullable<ReturnType<typeof draw>>;
}) {
  const drawn = new Set(drawing.points.map((one) => one.reading.kind));
  const key = (kind: ReadingKind) =>
    isLimit({ kind }) ? (
      <svg viewBox="-6 -2 12 18" className="inline h-4" aria-hidden="true">
        <Arrow x={0} y={0} dashed={kind === "depth"} title={WORDS[kind]} />
      </svg>
    ) : (
      <span aria-hidden="true">{(kind === "found" ? SHAPES : OPEN_SHAPES)[0]}</span>
    );
  return (
    <p className="label flex flex-wrap items-center gap-x-3">
      {(Object.keys(WORDS) as ReadingKind[])
        .filter((kind) => drawn.has(kind))
        .map((kind) => (
          <span key={kind} className="whitespace-nowrap">
            {key(kind)} {WORDS[kind]}
          </span>
        ))}
      <span className="whitespace-nowrap">circled: this detection</span>
      {references.map((reference, i) => (
        <span key={reference} className="whitespace-nowrap">
          {SHAPES[i % SHAPES.length]}{" "}
          {reference === "none" ? "no reference told" : `reference ${reference.slice(0, 8)}`}
        </span>
      ))}
    </p>
  );
}

function counted(drawing: NonNullable<ReturnType<typeof draw>>): string {
  const n = (...kinds: ReadingKind[]) => drawing.points.filter((one) => kinds.includes(one.reading.kind)).length;
  return `${n("found")} found, ${n("forced")} measured at its place, ${n("limit", "depth")} upper limits`;
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
  const usesMag = points.some((point) => point.mag !== null && !isLimit(point));
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
  const y = (value: number) =>
    PAD.top + (usesMag ? share(value) : 1 - share(value)) * (HIGH - PAD.top - PAD.bottom - ARROW);
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
      shape:
        (reading.kind === "found" ? SHAPES : OPEN_SHAPES)[
          references.indexOf(reading.reference ?? "none") % SHAPES.length
        ] ?? "●",
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
              <th>what</th>
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
                <td>{WORDS[point.kind]}</td>
                <td>
                  {shown(point.flux, 1)} ± {shown(point.flux_err, 1)}
                </td>
                <td>{isLimit(point) ? "–" : `${shown(point.mag)} ± ${shown(point.mag_err)}`}</td>
                <td>{isLimit(point) ? shown(point.mag) : "–"}</td>
                <td className="font-mono">{point.reference?.slice(0, 8) ?? "–"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
