/** A detection in one line. */

import type { Detection } from "../api/types";

export function Heading({ item, blind, children }: { item: Detection; blind: boolean; children?: React.ReactNode }) {
  return (
    <h2 className="text-base font-semibold">
      {item.night} · {item.band} · {Math.abs(item.significance).toFixed(1)} σ{" "}
      {item.significance < 0 ? "fainter" : "brighter"}
      {!blind && item.opinion?.score != null && (
        <span className="text-soft"> · score {item.opinion.score.toFixed(3)}</span>
      )}
      {children && <span className="ml-2 text-xs font-normal text-soft">{children}</span>}
    </h2>
  );
}
