/** The queue as a table, without claiming anything. */

import { useEffect, useState } from "react";

import { get, sayError, type Page } from "../api/client";
import type { Detection } from "../api/types";
import { apiFilters, writePlace } from "../lib/place";
import { decText, raText, shown } from "../lib/sky";
import { FilterBar } from "../parts/FilterBar";
import { usePage } from "../parts/page";

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
      {error && (
        <p role="alert" className="text-bogus">
          {error}
        </p>
      )}
      <div className="box overflow-x-auto" tabIndex={0} role="region" aria-label="Detections that wait">
        <table className="w-full text-sm">
          <thead className="border-b border-line">
            <tr>
              {["Night", "Band", "RA", "Dec", "σ", ...(place.blind ? [] : ["Score", "Class"]), ""].map((name, i) => (
                <th key={i} className="px-2 py-1">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {items.map((item) => (
              <tr key={item.id} className="border-b border-line last:border-0">
                <td className="px-2 py-1">{item.night}</td>
                <td className="px-2 py-1">{item.band}</td>
                <td className="px-2 py-1 font-mono">{item.ra_deg === null ? "–" : raText(item.ra_deg)}</td>
                <td className="px-2 py-1 font-mono">{item.dec_deg === null ? "–" : decText(item.dec_deg)}</td>
                <td className="px-2 py-1">{shown(item.significance, 1)}</td>
                {!place.blind && <td className="px-2 py-1">{shown(item.opinion?.score, 3)}</td>}
                {!place.blind && <td className="px-2 py-1">{item.opinion?.kind?.replaceAll("_", " ") ?? "–"}</td>}
                <td className="px-2 py-1">
                  <a
                    className="text-accent underline"
                    href={writePlace({ ...place, view: "candidate", id: item.id })}
                    aria-label={`Show the detection of ${item.night} at ${shown(item.significance, 1)} sigma`}
                  >
                    show
                  </a>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
        {items.length === 0 && (
          <p className="p-6 text-center">
            {rows.question === question ? "Nothing waits under these filters." : "Fetching…"}
          </p>
        )}
      </div>
      {rows.next !== null && rows.question === question && (
        <button type="button" className="button" onClick={() => void more(rows.next, items)}>
          More
        </button>
      )}
    </div>
  );
}
