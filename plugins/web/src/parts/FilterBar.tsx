/** What the queue holds: order, filters, blind mode; saved under a name, and in the address. */

import { useState } from "react";

import { FILTERS, ORDERS, START, readPlace, writePlace, type Filter } from "../lib/place";
import { readSetting, writeSetting } from "../lib/settings";
import { usePage } from "./page";
import { Cap } from "./Cap";

const TITLES: Record<Filter, string> = {
  night: "Night",
  cell: "Cell",
  survey: "Survey",
  band: "Band",
  min_score: "Score from",
  max_score: "Score to",
  kind: "Class",
};
const KINDS = [
  "transient",
  "variable",
  "moving",
  "dipole",
  "cosmic_ray",
  "saturation",
  "trail",
  "edge",
  "bad_subtraction",
  "noise",
];
const ORDER_TITLES = {
  top: "Highest score",
  uncertain: "Most uncertain",
  anomalous: "Most anomalous",
  disagreed: "Most disagreed",
  random: "Random",
};

export function FilterBar() {
  const { place, go, keys } = usePage();
  const used = FILTERS.filter((filter) => place.filters[filter]);
  const set = (filter: Filter, value: string) => {
    const filters = { ...place.filters };
    if (value.trim()) filters[filter] = value.trim();
    else delete filters[filter];
    go({ filters });
  };
  return (
    <div className="flex flex-wrap items-center gap-2">
      <label className="flex items-center gap-1.5">
        <span className="label">Order</span>
        <select
          className="field w-auto"
          value={place.order}
          onChange={(event) => {
            go({ order: ORDERS.find((one) => one === event.target.value) ?? START.order });
            // The next key is a verdict, not another order.
            event.target.blur();
          }}
        >
          {ORDERS.map((order) => (
            <option key={order} value={order}>
              {ORDER_TITLES[order]}
            </option>
          ))}
        </select>
      </label>
      <button type="button" className="button" aria-pressed={place.blind} onClick={() => go({ blind: !place.blind })}>
        Blind <Cap>{keys.blind}</Cap>
      </button>
      <details className="relative">
        <summary className="button">Filters{used.length > 0 && ` (${used.length})`}</summary>
        <div className="box absolute left-0 z-20 mt-1 grid w-72 gap-2 p-3 shadow-lg">
          {FILTERS.map((filter) => (
            <label
              key={`${filter} ${place.filters[filter] ?? ""}`}
              className="grid grid-cols-[6rem_1fr] items-center gap-2"
            >
              <span>{TITLES[filter]}</span>
              {filter === "kind" ? (
                <select
                  className="field"
                  value={place.filters.kind ?? ""}
                  onChange={(event) => set("kind", event.target.value)}
                >
                  <option value="">any</option>
                  {KINDS.map((kind) => (
                    <option key={kind} value={kind}>
                      {kind.replaceAll("_", " ")}
                    </option>
                  ))}
                </select>
              ) : (
                <input
                  className="field"
                  defaultValue={place.filters[filter] ?? ""}
                  placeholder={HINTS[filter]}
                  onBlur={(event) => set(filter, event.target.value)}
                  onKeyDown={(event) => event.key === "Enter" && set(filter, event.currentTarget.value)}
                />
              )}
            </label>
          ))}
          <button type="button" className="button" disabled={used.length === 0} onClick={() => go({ filters: {} })}>
            Clear
          </button>
        </div>
      </details>
      <Saved />
    </div>
  );
}

const HINTS: Partial<Record<Filter, string>> = {
  night: "2026-01-31",
  min_score: "0.0",
  max_score: "1.0",
  cell: "order/number",
};

function readSaved(): Record<string, string> {
  try {
    const read: unknown = JSON.parse(readSetting("queues") ?? "{}");
    if (typeof read !== "object" || read === null) return {};
    return Object.fromEntries(
      Object.entries(read).filter((one): one is [string, string] => typeof one[1] === "string"),
    );
  } catch {
    return {};
  }
}

function Saved() {
  const { place, go, say } = usePage();
  const [saved, setSaved] = useState(readSaved);
  const [name, setName] = useState("");
  const keep = (queues: Record<string, string>) => {
    setSaved(queues);
    writeSetting("queues", JSON.stringify(queues));
  };
  const copy = () => {
    navigator.clipboard?.writeText(location.href).then(
      () => say("The address of this queue was copied."),
      () => say("The browser does not let the address be copied.", true),
    );
  };
  return (
    <details className="relative">
      <summary className="button">Saved{Object.keys(saved).length > 0 && ` (${Object.keys(saved).length})`}</summary>
      <div className="box absolute left-0 z-20 mt-1 grid w-64 gap-2 p-3 shadow-lg">
        {Object.entries(saved).map(([one, address]) => (
          <div key={one} className="flex gap-1">
            <button
              type="button"
              className="button flex-1 justify-start"
              onClick={() => go({ ...readPlace(address), view: place.view, id: place.id })}
            >
              {one}
            </button>
            <button
              type="button"
              className="button"
              aria-label={`Forget ${one}`}
              onClick={() => keep(Object.fromEntries(Object.entries(saved).filter(([other]) => other !== one)))}
            >
              ×
            </button>
          </div>
        ))}
        <div className="flex gap-1">
          <input
            className="field"
            aria-label="Name of this queue"
            placeholder="Name of this queue"
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
          <button
            type="button"
            className="button"
            disabled={!name.trim()}
            onClick={() => {
              keep({ ...saved, [name.trim()]: writePlace(place) });
              setName("");
            }}
          >
            Save
          </button>
        </div>
        <button type="button" className="button" onClick={copy}>
          Copy the address
        </button>
      </div>
    </details>
  );
}
