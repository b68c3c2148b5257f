/** A survey of the sky around a detection, by Aladin Lite in a frame of its own; the chart below it stays until it is there. */

import { useEffect, useRef, useState } from "react";

import type { Survey } from "../api/types";
import type { Position } from "../lib/sky";

const SHOWN_WITHIN_MS = 20_000;
const FRAME = "survey.html";

export interface SurveyMark extends Position {
  kind: string;
}

interface Props {
  survey: Survey;
  position: Position;
  widthArcsec: number;
  marks: readonly SurveyMark[];
  onTrouble: (why: string) => void;
}

/** Why this browser cannot show it; null where it can. */
export function troubleHere(): string | null {
  return document.createElement("canvas").getContext("webgl2") === null ? "this browser has no WebGL 2" : null;
}

export function SkySurvey({ survey, position, widthArcsec, marks, onTrouble }: Props) {
  const ref = useRef<HTMLIFrameElement>(null);
  const [state, setState] = useState<"loading" | "loaded" | "shown">("loading");
  const trouble = useRef(onTrouble);
  trouble.current = onTrouble;

  useEffect(() => {
    const hear = (event: MessageEvent<{ survey?: string } | null>) => {
      const frame = ref.current;
      if (frame === null || event.source !== frame.contentWindow) return;
      const said = event.data?.survey ?? "";
      if (said === "loaded" || said === "shown") setState(said);
      else if (said === "released") frame.blur();
      else trouble.current("it could not be loaded");
    };
    addEventListener("message", hear);
    return () => removeEventListener("message", hear);
  }, []);

  useEffect(() => {
    if (state === "shown") return;
    const timer = setTimeout(() => trouble.current("nothing came in time"), SHOWN_WITHIN_MS);
    return () => clearTimeout(timer);
  }, [state]);

  const isThere = state !== "loading";
  const { ra_deg, dec_deg } = position;
  useEffect(() => {
    if (!isThere) return;
    const asked = {
      ...survey,
      isDark: document.documentElement.classList.contains("dark"),
      position: { ra_deg, dec_deg },
      width_deg: widthArcsec / 3600,
      marks: [
        { kind: "detection", ra_deg, dec_deg },
        ...marks.map(({ kind, ra_deg, dec_deg }) => ({ kind, ra_deg, dec_deg })),
      ],
    };
    // The frame has no origin that could be named; what it is told is where the detection is, as the archive learns anyway.
    ref.current?.contentWindow?.postMessage(asked, "*");
  }, [isThere, survey, ra_deg, dec_deg, widthArcsec, marks]);

  return (
    <iframe
      ref={ref}
      src={FRAME}
      title="Sky survey around the detection, north up"
      sandbox="allow-scripts"
      className={`absolute inset-0 h-full w-full rounded-sm ${state === "shown" ? "" : "opacity-0"}`}
    />
  );
}
