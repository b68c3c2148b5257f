/** How the pictures are shown; each button names its key. */

import type { Action } from "../lib/keymap";
import { STRETCHES } from "../lib/stretch";
import { usePage } from "./page";
import type { Display } from "./Triplet";
import { Cap } from "./Cap";

const ZOOMS = [1, 1.5, 2, 3, 4, 6];

/** The display after an action, or null where the action is about something else. */
export function changed(display: Display, action: Action): Display | null {
  const place = ZOOMS.indexOf(display.zoom);
  switch (action) {
    case "blink":
      return { ...display, blinking: !display.blinking };
    case "invert":
      return { ...display, inverted: !display.inverted };
    case "link":
      return { ...display, shared: !display.shared };
    case "crosshair":
      return { ...display, crosshair: !display.crosshair };
    case "stretch":
      return {
        ...display,
        stretch: STRETCHES[(STRETCHES.indexOf(display.stretch) + 1) % STRETCHES.length] ?? "zscale",
      };
    case "zoomIn":
      return { ...display, zoom: ZOOMS[Math.min(place + 1, ZOOMS.length - 1)] ?? 1 };
    case "zoomOut":
      return { ...display, zoom: ZOOMS[Math.max(place - 1, 0)] ?? 1 };
    default:
      return null;
  }
}

/** Small pictures neither blink nor have a crosshair. */
export function Toolbar({ isSmall = false }: { isSmall?: boolean }) {
  const { display, setDisplay, keys } = usePage();
  const press = (action: Action) => () => setDisplay((one) => changed(one, action) ?? one);
  const button = (action: Action, text: string, pressed?: boolean) => (
    <button type="button" className="button text-xs" onClick={press(action)} aria-pressed={pressed}>
      {text} <Cap>{keys[action]}</Cap>
    </button>
  );
  return (
    <div role="toolbar" aria-label="Display" className="flex flex-wrap gap-1.5">
      {button("stretch", `Stretch: ${display.stretch}`)}
      {button("link", "Shared", display.shared)}
      {button("invert", "Invert", display.inverted)}
      {!isSmall && button("crosshair", "Crosshair", display.crosshair)}
      {!isSmall && button("blink", "Blink", display.blinking)}
      {button("zoomOut", "−")}
      <span className="self-center text-xs text-soft" aria-live="polite">
        {display.zoom}×
      </span>
      {button("zoomIn", "+")}
    </div>
  );
}
