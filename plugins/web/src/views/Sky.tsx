/** What of the sky a night has seen, how deep, and where its candidates are. */

import { useMemo } from "react";

import type { Page } from "../api/client";
import type { Coverage, Detection, Exposure, Night } from "../api/types";
import { mollweide, offsetArcsec, separation, shown, type Position } from "../lib/sky";
import { writePlace } from "../lib/place";
import { NightSelect } from "../parts/NightSelect";
import { usePage } from "../parts/page";
import { Trouble } from "../parts/Trouble";
import { useGet } from "../parts/useGet";
import { Table } from "../parts/Table";

export function Sky() {
  const { place } = usePage();
  const nights = useGet<Page<Night>>("nights", { limit: 200 });
  const night = place.filters.night ?? nights.data?.items[0]?.night ?? null;
  const coverage = useGet<Coverage>(night === null ? null : `nights/${night}`);
  const found = useGet<Page<Detection>>(night === null ? null : "detections", { night: night ?? "", limit: 200 });
  const error = nights.error ?? coverage.error ?? found.error;
  return (
    <div className="space-y-3">
      <NightSelect nights={nights.data} night={night} />
      <Trouble>{error}</Trouble>
      {error === null && nights.data?.items.length !== 0 && coverage.data === null && (
        <p className="p-6">Fetching the night…</p>
      )}
      {nights.data?.items.length === 0 && <p className="box p-6 text-center">No night was searched yet.</p>}
      {coverage.data && (
        <Maps coverage={coverage.data} detections={found.data?.items ?? []} isPart={found.data?.next != null} />
      )}
    </div>
  );
}

function Maps({ coverage, detections, isPart }: { coverage: Coverage; detections: Detection[]; isPart: boolean }) {
  const depths = coverage.cells.map((cell) => cell.depth_mag).filter((depth) => depth !== null);
  const [shallow, deep] = [Math.min(...depths), Math.max(...depths)];
  const shade = (depth: number | null) =>
    depth === null || depths.length === 0
      ? 0.25
      : deep === shallow
        ? 0.7
        : 0.3 + (0.6 * (depth - shallow)) / (deep - shallow);
  return (
    <>
      <div className="grid items-start gap-3 lg:grid-cols-2">
        <WholeSky coverage={coverage} shade={shade} />
        <Fields exposures={coverage.exposures} detections={detections} shade={shade}>
          ○ exposure{deep > shallow && `, stronger is deeper (${shallow.toFixed(1)} to ${deep.toFixed(1)} mag)`} · ●
          detection, leads to its page: {detections.length}
          {isPart && ", the first of more,"} are drawn
        </Fields>
      </div>
      <Table
        title="Cells"
        note="HEALPix cells, as order/number, that the exposures of the night touch."
        head={["Cell", "#RA (°)", "#Dec (°)", "#Exposures", "#Depth of the deepest (mag)"]}
        rows={coverage.cells.map((cell) => [
          cell.cell,
          shown(cell.ra_deg, 3),
          shown(cell.dec_deg, 3),
          cell.n_observations,
          shown(cell.depth_mag, 1),
        ])}
      />
    </>
  );
}

const RA_LINES = [0, 60, 120, 180, 240, 300, 359.999];
const DEC_LINES = [-60, -30, 0, 30, 60];

function WholeSky({ coverage, shade }: { coverage: Coverage; shade: (depth: number | null) => number }) {
  const at = (position: Position) => {
    const { x, y } = mollweide(position);
    return { x: 100 + 48 * x, y: 50 - 48 * y };
  };
  const path = (positions: Position[]) =>
    `M${positions.map((one) => `${at(one).x.toFixed(2)} ${at(one).y.toFixed(2)}`).join("L")}`;
  const steps = Array.from({ length: 37 }, (_, i) => i);
  return (
    <figure className="box p-2">
      <figcaption className="text-sm font-semibold">Whole sky</figcaption>
      <svg
        viewBox="0 0 200 100"
        className="mx-auto w-full max-w-xl"
        role="img"
        aria-label={`Map of the whole sky with ${coverage.cells.length} cells seen in the night ${coverage.night}`}
      >
        <g className="fill-none stroke-line" strokeWidth="0.4">
          {RA_LINES.map((ra) => (
            <path key={ra} d={path(steps.map((i) => ({ ra_deg: ra, dec_deg: -90 + i * 5 })))} />
          ))}
          {DEC_LINES.map((dec) => (
            <path key={dec} d={path(steps.map((i) => ({ ra_deg: Math.min(i * 10, 359.999), dec_deg: dec })))} />
          ))}
        </g>
        {coverage.cells.map((cell) => {
          const { x, y } = at(cell);
          return (
            <circle
              key={cell.cell}
              cx={x}
              cy={y}
              r="1.6"
              className="fill-accent stroke-ink"
              strokeWidth="0.2"
              fillOpacity={shade(cell.depth_mag)}
            >
              <title>{cell.cell}</title>
            </circle>
          );
        })}
        <g className="fill-soft text-[5px]" textAnchor="middle">
          {[60, 120, 180, 240, 300].map((ra) => (
            <text key={ra} x={at({ ra_deg: ra, dec_deg: 0 }).x} y="56">
              {ra / 15}h
            </text>
          ))}
          {DEC_LINES.filter((dec) => dec !== 0).map((dec) => (
            <text key={dec} x={at({ ra_deg: 359.999, dec_deg: dec }).x - 6} y={at({ ra_deg: 0, dec_deg: dec }).y + 2}>
              {dec > 0 ? `+${dec}` : dec}°
            </text>
          ))}
        </g>
      </svg>
      <p className="label">
        Each point is the middle of a cell that was seen: {coverage.cells.length}. Right ascension grows to the left.
      </p>
    </figure>
  );
}

function Fields({
  exposures,
  detections,
  shade,
  children,
}: {
  exposures: Exposure[];
  detections: Detection[];
  shade: (depth: number | null) => number;
  children: React.ReactNode;
}) {
  const { place } = usePage();
  const groups = useMemo(() => group(exposures), [exposures]);
  const middle = groups[0];
  if (middle === undefined) return <p className="box p-6">No exposure.</p>;
  const centre = meanOf(middle);
  const reachArcsec = 1.1 * Math.max(...middle.map((one) => 3600 * one.radius_deg + separation(centre, one)));
  const at = (position: Position) => {
    const offset = offsetArcsec(centre, position);
    return offset === null
      ? null
      : { x: 100 - (100 * offset.east) / reachArcsec, y: 100 - (100 * offset.north) / reachArcsec };
  };
  const inside = detections.filter((one): one is Detection & Position => one.ra_deg !== null && one.dec_deg !== null);
  return (
    <figure className="box p-2">
      <figcaption className="text-sm font-semibold">
        {groups.length === 1 ? "The field" : `The field with most exposures, of ${groups.length}`} ·{" "}
        {((2 * reachArcsec) / 60).toFixed(0)}′ across
      </figcaption>
      <svg viewBox="-8 -8 216 216" className="mx-auto max-h-[60vh] w-full">
        {middle.map((one) => {
          const spot = at(one);
          return (
            spot && (
              <circle
                key={one.id}
                cx={spot.x}
                cy={spot.y}
                r={(100 * one.radius_deg * 3600) / reachArcsec}
                className="fill-accent stroke-accent"
                fillOpacity={shade(one.depth_mag) / middle.length}
                strokeWidth="0.5"
              >
                <title>{`${one.id}, ${one.band}, depth ${shown(one.depth_mag, 1)}`}</title>
              </circle>
            )
          );
        })}
        {inside.map((one) => {
          const spot = at(one);
          if (spot === null || spot.x < 0 || spot.x > 200 || spot.y < 0 || spot.y > 200) return null;
          return (
            <a
              key={one.id}
              href={writePlace({ ...place, view: "candidate", id: one.id })}
              aria-label={`Detection of ${one.significance.toFixed(1)} sigma`}
            >
              <circle cx={spot.x} cy={spot.y} r="2.2" className="fill-unsure stroke-ground" strokeWidth="0.5" />
            </a>
          );
        })}
        <text x="100" y="0" textAnchor="middle" className="fill-soft text-[7px]">
          N
        </text>
        <text x="-6" y="102" className="fill-soft text-[7px]">
          E
        </text>
      </svg>
      <p className="label">{children}</p>
    </figure>
  );
}

/** The middle of positions that lie close together, as one vector. */
function meanOf(positions: readonly Position[]): Position {
  const rad = Math.PI / 180;
  const [x, y, z] = [0, 1, 2].map((axis) =>
    positions.reduce((sum, one) => {
      const [ra, dec] = [one.ra_deg * rad, one.dec_deg * rad];
      return sum + ([Math.cos(dec) * Math.cos(ra), Math.cos(dec) * Math.sin(ra), Math.sin(dec)][axis] ?? 0);
    }, 0),
  ) as [number, number, number];
  return { ra_deg: Math.atan2(y, x) / rad, dec_deg: Math.atan2(z, Math.hypot(x, y)) / rad };
}

/** Exposures that overlap stand together, the largest group first. */
function group(exposures: Exposure[]): Exposure[][] {
  const groups: Exposure[][] = [];
  for (const one of exposures) {
    const near = groups.find(
      (members) => members[0] && separation(members[0], one) < 3600 * (members[0].radius_deg + one.radius_deg),
    );
    if (near) near.push(one);
    else groups.push([one]);
  }
  return groups.sort((a, b) => b.length - a.length);
}
