/** The queue as a table, without claiming anything. */

import { useEffect, useState } from "react";

import { get, sayError, type Page } from "../api/client";
import type { Detection } from "../api/types";
import { apiFilters, writePlace } from "../lib/place";
import { decText, raText, shown } from "../lib/sky";
import { FilterBar } from "../parts/FilterBar";
import { usePage } from "../parts/page";
import { Table } from "../parts/Table";
import { Trouble } from "../parts/Trouble";

export function List() {
  const { place } = usePage();
  const asked = { order: place.order, ...apiFilters(place.filters) };
  const question = JSON.stringify(asked);
  const [rows, setRows] = useState<{ question: string; items: Detection[]; next: string | null }>({
    question: "",
    items: [],
    next: null,
  });
  const [error, setError] = useState<string | null>(null);
  const more = (after: string | null, before: Detection[]) =>
    get<Page<Detection>>("queue", { ...asked, after }).then(
      (page) => {
        setRows({ question, items: [...before, ...page.items], next: page.next });
        setError(null);
      },
      (reason: unknown) => setError(sayError(reason)),
    );
  useEffect(() => {
    void more(null, []);
    // The question says all that is asked.
  }, [question]);
  const items = rows.question === question ? rows.items : [];
  return (
    <div className="space-y-3">
      <FilterBar />
      <Trouble>{error}</Trouble>
      {rows.question !== question && error === null ? (
        <p className="p-6">Fetching…</p>
      ) : (
        <Table
          title="Detections that wait"
          note="σ is the significance of the change; negative ones became fainter."
          head={["", "Night", "Band", "#σ", ...(place.blind ? [] : ["#Score", "Class"]), "RA", "Dec"]}
          rows={items.map((item) => [
            <a
              key="show"
              className="text-accent underline"
              href={writePlace({ ...place, view: "candidate", id: item.id })}
              aria-label={`Show the detection of ${item.night} at ${shown(item.significance, 1)} sigma`}
            >
              show
            </a>,
            item.night,
            item.band,
            shown(item.significance, 1),
            ...(place.blind ? [] : [shown(item.opinion?.score, 3), item.opinion?.kind?.replaceAll("_", " ") ?? "–"]),
            item.ra_deg === null ? "–" : raText(item.ra_deg),
            item.dec_deg === null ? "–" : decText(item.dec_deg),
          ])}
          empty="Nothing waits under these filters."
        />
      )}
      {rows.next !== null && rows.question === question && (
        <button type="button" className="button" onClick={() => void more(rows.next, items)}>
          More
        </button>
      )}
    </div>
  );
}
