/** One picture of the sky, drawn from float pixels on a canvas; no WebGL. */

import { useLayoutEffect, useRef } from "react";

import { paint, type Look } from "../lib/colours";

export interface Cursor {
  /** Column and row of the plane; row 0 is the top. */
  column: number;
  row: number;
}

interface Props {
  plane: Float32Array;
  size: number;
  look: Look;
  label: string;
  zoom: number;
  crosshair: boolean;
  cursor: Cursor | null;
  onCursor?: (cursor: Cursor | null) => void;
  onPainted?: () => void;
}

/** Pixels of the canvas per side; the browser scales it to the room there is. */
const CANVAS = 378;
const ARROWS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export function Stamp({ plane, size, look, label, zoom, crosshair, cursor, onCursor, onPainted }: Props) {
  const ref = useRef<HTMLCanvasElement>(null);
  const side = size / zoom;
  const start = (size - side) / 2;

  useLayoutEffect(() => {
    const context = ref.current?.getContext("2d");
    if (!context) return;
    const source = new OffscreenCanvas(size, size);
    source.getContext("2d")?.putImageData(new ImageData(paint(plane, size, look), size, size), 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(source, start, start, side, side, 0, 0, CANVAS, CANVAS);
    if (crosshair) drawCrosshair(context, CANVAS / side);
    if (cursor) drawCursor(context, cursor, { start, side });
    onPainted?.();
  }, [plane, size, look, start, side, crosshair, cursor, onPainted]);

  const follow = (event: React.PointerEvent) => {
    const box = event.currentTarget.getBoundingClientRect();
    const column = Math.floor(start + ((event.clientX - box.left) / box.width) * side);
    const row = Math.floor(start + ((event.clientY - box.top) / box.height) * side);
    const isInside = column >= 0 && row >= 0 && column < size && row < size;
    onCursor?.(isInside ? { column, row } : null);
  };
  const step = (event: React.KeyboardEvent) => {
    const by = ARROWS[event.key];
    if (!by || !event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation();
    const middle = Math.floor(size / 2);
    const from = cursor ?? { column: middle, row: middle };
    const inside = (value: number) => Math.min(Math.max(value, 0), size - 1);
    onCursor?.({ column: inside(from.column + by[0]), row: inside(from.row + by[1]) });
  };

  return (
    <canvas
      ref={ref}
      width={CANVAS}
      height={CANVAS}
      role="img"
      aria-label={label}
      tabIndex={onCursor ? 0 : undefined}
      className="block aspect-square w-full touch-none rounded-sm"
      onPointerMove={onCursor && follow}
      onPointerLeave={onCursor && (() => onCursor(null))}
      onKeyDown={onCursor && step}
    />
  );
}

function drawCrosshair(context: CanvasRenderingContext2D, pix: number): void {
  const [middle, gap, arm] = [CANVAS / 2, 3.5 * pix, 8 * pix];
  context.lineWidth = 2;
  context.strokeStyle = "#35e07a";
  context.beginPath();
  for (const [dx, dy] of [
    [-1, 0],
    [1, 0],
    [0, -1],
    [0, 1],
  ] as const) {
    context.moveTo(middle + dx * gap, middle + dy * gap);
    context.lineTo(middle + dx * arm, middle + dy * arm);
  }
  context.stroke();
}

function drawCursor(context: CanvasRenderingContext2D, cursor: Cursor, cut: { start: number; side: number }): void {
  const pix = CANVAS / cut.side;
  context.lineWidth = 2;
  context.strokeStyle = "#ffd54a";
  context.strokeRect((cursor.column - cut.start) * pix, (cursor.row - cut.start) * pix, pix, pix);
}
