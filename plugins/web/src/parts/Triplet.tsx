/** Science, reference, difference and score of one place, on the same sky. */

import { useCallback, useEffect, useMemo, useState } from "react";

import { PLANES, stampsOf, type PlaneName, type Stamps } from "../api/pixels";
import { sayError } from "../api/client";
import type { Look } from "../lib/colours";
import { shown } from "../lib/sky";
import { limits, type Stretch } from "../lib/stretch";
import { Stamp, type Cursor } from "./Stamp";
import { Trouble } from "./Trouble";

export interface Display {
  stretch: Stretch;
  shared: boolean;
  inverted: boolean;
  crosshair: boolean;
  blinking: boolean;
  zoom: number;
}

export const PLAIN_DISPLAY: Display = {
  stretch: "zscale",
  shared: true,
  inverted: false,
  crosshair: true,
  blinking: false,
  zoom: 1,
};

/** Slower than three flashes a second by far: nobody must be hurt by it. */
const BLINK_MS = 600;

/** The looks of all planes. Science and reference may share one; what is signed is always symmetric about zero. */
export function looksOf(
  stamps: Stamps,
  display: Pick<Display, "stretch" | "shared" | "inverted">,
): Partial<Record<PlaneName, Look>> {
  const { science, reference } = stamps.planes;
  const pair = [science, reference].filter((plane) => plane !== undefined);
  const looks: Partial<Record<PlaneName, Look>> = {};
  for (const name of PLANES) {
    const plane = stamps.planes[name];
    if (plane === undefined) continue;
    const symmetric = name === "difference" || name === "score";
    const from = !symmetric && display.shared ? pair : [plane];
    looks[name] = {
      range: limits(from, display.stretch, symmetric),
      stretch: display.stretch,
      symmetric,
      inverted: display.inverted,
      signed: name === "score",
    };
  }
  return looks;
}

export function useStamps(id: string): { stamps: Stamps | null; error: string | null } {
  const [state, setState] = useState<{ id: string; stamps: Stamps | null; error: string | null }>({
    id,
    stamps: null,
    error: null,
  });
  useEffect(() => {
    let isCurrent = true;
    stampsOf(id).then(
      (stamps) => isCurrent && setState({ id, stamps, error: null }),
      (error: unknown) => isCurrent && setState({ id, stamps: null, error: sayError(error) }),
    );
    return () => {
      isCurrent = false;
    };
  }, [id]);
  return state.id === id ? state : { stamps: null, error: null };
}

export function Triplet({
  id,
  display,
  onPainted,
}: {
  id: string;
  display: Display;
  onPainted?: (id: string) => void;
}) {
  const { stamps, error } = useStamps(id);
  const [cursor, setCursor] = useState<Cursor | null>(null);
  const [showsReference, setShowsReference] = useState(false);
  const { stretch, shared, inverted } = display;
  const looks = useMemo(
    () => (stamps ? looksOf(stamps, { stretch, shared, inverted }) : {}),
    [stamps, stretch, shared, inverted],
  );
  const painted = useCallback(() => onPainted?.(id), [id, onPainted]);

  useEffect(() => {
    if (!display.blinking) {
      setShowsReference(false);
      return;
    }
    const timer = setInterval(() => setShowsReference((one) => !one), BLINK_MS);
    return () => clearInterval(timer);
  }, [display.blinking]);

  if (error) return <Trouble before="The pictures cannot be shown: ">{error}</Trouble>;
  const names = PLANES.filter((name) => (stamps === null ? name !== "score" : stamps.planes[name] !== undefined));
  return (
    <div>
      <div className={`grid grid-cols-2 gap-2 ${names.length === 4 ? "lg:grid-cols-4" : "sm:grid-cols-3"}`}>
        {names.map((name) => {
          const drawn: PlaneName = name === "science" && showsReference ? "reference" : name;
          const plane = stamps?.planes[drawn];
          const look = looks[drawn];
          return (
            <figure key={name} className="min-w-0">
              <figcaption className="flex justify-between text-xs text-soft">
                <span className="capitalize">
                  {name === "science" && display.blinking ? `${drawn} (blinking)` : name}
                </span>
                {look && (
                  <span className="hidden font-mono xl:inline">
                    {shown(look.range.low, 1)} … {shown(look.range.high, 1)}
                  </span>
                )}
              </figcaption>
              {stamps && plane && look ? (
                <Stamp
                  plane={plane}
                  size={stamps.size}
                  look={look}
                  label={`${drawn} image around the detection, ${stamps.size} pixels a side`}
                  zoom={display.zoom}
                  crosshair={display.crosshair}
                  cursor={cursor}
                  onCursor={setCursor}
                  {...(name === "science" ? { onPainted: painted } : {})}
                />
              ) : (
                <div className="aspect-square w-full animate-pulse rounded-sm bg-line motion-reduce:animate-none" />
              )}
            </figure>
          );
        })}
      </div>
      <ReadOut stamps={stamps} cursor={cursor} />
    </div>
  );
}

function ReadOut({ stamps, cursor }: { stamps: Stamps | null; cursor: Cursor | null }) {
  if (stamps === null) return <p className="mt-1 font-mono text-xs text-soft">loading pixels</p>;
  if (cursor === null) {
    const scale = stamps.scaleArcsec === null ? "" : `, ${(stamps.scaleArcsec * stamps.size).toFixed(0)}″ a side`;
    const way = stamps.isNorthUp
      ? `north up, east left${stamps.offDeg > 0.5 ? ` within ${Math.ceil(stamps.offDeg)}°` : ""}`
      : "as on the detector";
    return (
      <p className="mt-1 font-mono text-xs text-soft">
        {way}
        {scale}; point at a pixel to read it
      </p>
    );
  }
  const middle = (stamps.size - 1) / 2;
  const values = PLANES.filter((name) => stamps.planes[name]).map(
    (name) => `${name} ${shown(stamps.planes[name]?.[cursor.row * stamps.size + cursor.column], 1)}`,
  );
  return (
    <p className="mt-1 font-mono text-xs text-soft">
      ({cursor.column - middle}, {middle - cursor.row}) pix: {values.join(" · ")}
    </p>
  );
}
