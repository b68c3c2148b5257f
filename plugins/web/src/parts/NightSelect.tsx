/** Which night is looked at; it stands in the address like every filter. */

import type { Page } from "../api/client";
import type { Night } from "../api/types";
import { usePage } from "./page";

interface Props {
  nights: Page<Night> | null;
  night: string | null;
  /** What to call all of them together, where that is a choice. */
  all?: string;
}

export function NightSelect({ nights, night, all }: Props) {
  const { place, go } = usePage();
  return (
    <label className="flex items-center gap-2">
      <span className="label">Night</span>
      <select
        className="field w-auto min-w-0"
        value={night ?? ""}
        onChange={(event) => {
          const { night: _, ...others } = place.filters;
          go({ filters: event.target.value ? { ...others, night: event.target.value } : others });
        }}
      >
        {all && <option value="">{all}</option>}
        {(nights?.items ?? []).map((one) => (
          <option key={`${one.night} ${one.survey}`} value={one.night}>
            {one.night} · {one.survey}: {one.n_observations} exposures, {one.n_detections} detections
          </option>
        ))}
      </select>
    </label>
  );
}
