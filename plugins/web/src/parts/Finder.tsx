/** What else is known around a detection, drawn as a chart or over a survey of the sky, and told as a list. */

import { useEffect, useMemo, useRef, useState } from "react";

import type { Detection, Neighbours } from "../api/types";
import { marksOf, type Mark } from "../lib/marks";
import { readSetting, writeSetting } from "../lib/settings";
import { mjdDate, offsetArcsec, shown, type Position } from "../lib/sky";
import { Cap } from "./Cap";
import { useKeys, usePage } from "./page";
import { SkySurvey, troubleHere } from "./SkySurvey";
import { Trouble } from "./Trouble";
import { useGet } from "./useGet";

const SIDE = 300;
const NEAREST_SHOWN = 6;
const RADIUS_ARCSEC = 60;
const WIDTH_ARCSEC = 2.1 * RADIUS_ARCSEC;
const WANTED = "survey";

const KINDS = { catalog: "object", history: "detection", star: "star", known: "known", moving: "moving" };

/** `asks` once somebody stays with the detection; the frame of a survey outlasts those that are passed by. */
export function Finder({ detection, asks }: { detection: Detection; asks: boolean }) {
  const path = asks ? `detections/${encodeURIComponent(detection.id)}/neighbours` : null;
  const { data, error } = useGet<Neighbours>(path, { radius_arcsec: RADIUS_ARCSEC });
  const marks = useMemo(() => (data === null ? [] : marksOf(data)), [data]);
  const { survey, isWanted, toggle, trouble, setTrouble } = useSurvey();
  const { keys } = usePage();
  const { ra_deg, dec_deg } = detection;
  if (ra_deg === null || dec_deg === null)
    return (
      <section className="box p-2" aria-label="Neighbours">
        <h3 className="text-sm font-semibold">Finder chart</h3>
        <p className="label">The image has no sky coordinates.</p>
      </section>
    );
  return (
    <section className="box p-2" aria-label="Neighbours">
      <div className="mb-1 flex items-center justify-between gap-2">
        <h3 className="text-sm font-semibold">Finder chart</h3>
        {survey !== null && (
          <button type="button" className="button text-xs" aria-pressed={isWanted && trouble === null} onClick={toggle}>
            Sky survey <Cap>{keys.survey}</Cap>
          </button>
        )}
      </div>
      <div className="relative mx-auto aspect-square w-full max-w-72">
        <Chart middle={{ ra_deg, dec_deg }} marks={marks} />
        {survey !== null && isWanted && trouble === null && (
          <SkySurvey
            survey={survey}
            position={{ ra_deg, dec_deg }}
            widthArcsec={WIDTH_ARCSEC}
            marks={marks}
            onTrouble={setTrouble}
          />
        )}
      </div>
      {survey !== null && isWanted && trouble !== null && (
        <p role="status" className="label">
          No sky survey: {trouble}. The chart shows the same places.
        </p>
      )}
      <p className="label">● star · ◼ object · ◯ another detection · ◇ known to others · △ minor planet</p>
      <Trouble>{error}</Trouble>
      {data !== null && <History around={data} />}
      {data !== null && <Nearest marks={marks} />}
    </section>
  );
}

/** Whether a survey is set up, wanted and possible; the wish is kept in this browser. */
function useSurvey() {
  const { survey, keys, keysOn, say } = usePage();
  const [isWanted, setWanted] = useState(() => readSetting(WANTED) !== null);
  const [trouble, setTrouble] = useState(troubleHere);
  const toggle = () => {
    const wanted = !isWanted || trouble !== null;
    setWanted(wanted);
    setTrouble(troubleHere);
    writeSetting(WANTED, wanted ? "1" : null);
  };
  useKeys(keys, keysOn, (action) => {
    if (action !== "survey") return false;
    if (survey === null) say("No sky survey is set up here.");
    else toggle();
    return true;
  });
  return { survey, isWanted, toggle, trouble, setTrouble };
}

/** When else the same object was detected. */
function History({ around }: { around: Neighbours }) {
  if (around.entry_id === null) return <p className="mt-1 text-xs">No other detection of it is in the catalog.</p>;
  const { history } = around;
  return (
    <div className="mt-1 text-xs">
      <h4 className="font-semibold">
        This object <code title={around.entry_id}>{around.entry_id.slice(0, 8)}</code>
      </h4>
      {history.length === 0 ? (
        <p className="text-soft">Detected this once.</p>
      ) : (
        <>
          <p className="text-soft">Also detected {history.length === 1 ? "once" : `${history.length} times`}:</p>
          <ul className="max-h-28 overflow-y-auto" tabIndex={0} aria-label="Other detections of this object">
            {history.map((one) => (
              <li key={one.detection_id} className="flex gap-2">
                <span className="w-12 shrink-0 text-right font-mono">{one.separation_arcsec.toFixed(1)}″</span>
                <span className="shrink-0">{mjdDate(one.mid_mjd)}</span>
                <span className="min-w-0 truncate text-soft">
                  {one.band} {one.mag_ab === null ? "" : `${shown(one.mag_ab)} mag`}
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}

function Nearest({ marks }: { marks: readonly Mark[] }) {
  if (marks.length === 0) return <p className="label mt-1">Nothing else is known within {RADIUS_ARCSEC}″.</p>;
  return (
    <div className="mt-1 text-xs">
      <h4 className="font-semibold">
        Nearest of {marks.length} within {RADIUS_ARCSEC}″
      </h4>
      <ul>
        {marks.slice(0, NEAREST_SHOWN).map((one, i) => (
          <li key={i} className="flex gap-2">
            <span className="w-12 shrink-0 text-right font-mono">{one.separation_arcsec.toFixed(1)}″</span>
            <span className="w-16 shrink-0 text-soft">{KINDS[one.kind]}</span>
            <span className="min-w-0 truncate">{one.name}</span>
          </li>
        ))}
      </ul>
    </div>
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
      className="block aspect-square w-full rounded-sm bg-ground"
    />
  );
}

function drawChart(context: CanvasRenderingContext2D, middle: Position, marks: readonly Mark[]): void {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const scale = SIDE / WIDTH_ARCSEC;
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
    else if (one.kind === "known" || one.kind === "moving") drawCorners(context, x, y, one.kind === "known" ? 4 : 3);
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
  context.fillText(`${WIDTH_ARCSEC.toFixed(0)}″ across`, 4, SIDE - 6);
}

/** A closed outline of so many equal sides with one corner up. */
function drawCorners(context: CanvasRenderingContext2D, x: number, y: number, n: number): void {
  for (let corner = 0; corner < n; corner++) {
    const angle = (2 * Math.PI * corner) / n;
    context.lineTo(x + 6 * Math.sin(angle), y - 6 * Math.cos(angle));
  }
  context.closePath();
}
