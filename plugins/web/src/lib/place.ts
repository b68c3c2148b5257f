/** Where in the page somebody is; all of it stands in the address, so that a link shows the same. */

export const VIEWS = ["review", "grid", "list", "arbitrate", "agreement", "sky", "audit", "candidate"] as const;
export type View = (typeof VIEWS)[number];

export const ORDERS = ["top", "uncertain", "anomalous", "disagreed", "random"] as const;
export type Order = (typeof ORDERS)[number];

/** Filters by the names that the API gives them; an empty text filters nothing. */
export const FILTERS = ["night", "cell", "survey", "band", "min_score", "max_score", "kind"] as const;
export type Filter = (typeof FILTERS)[number];
export type Filters = Partial<Record<Filter, string>>;

export interface Place {
  view: View;
  /** The detection of the candidate view. */
  id: string;
  order: Order;
  blind: boolean;
  filters: Filters;
}

export const START: Place = { view: "review", id: "", order: "top", blind: false, filters: {} };

/** The place that an address names; whatever is unknown in it counts as not said. */
export function readPlace(hash: string): Place {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?");
  const [name = "", ...rest] = path.split("/");
  const asked = new URLSearchParams(query);
  const view = VIEWS.find((one) => one === name) ?? START.view;
  const filters: Filters = {};
  for (const filter of FILTERS) {
    const value = asked.get(filter)?.trim();
    if (value) filters[filter] = value;
  }
  return {
    view,
    id: view === "candidate" ? decoded(rest.join("/")) : "",
    order: ORDERS.find((one) => one === asked.get("order")) ?? START.order,
    blind: asked.get("blind") === "1",
    filters,
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The address of a place; readPlace of it gives the place again. */
export function writePlace(place: Place): string {
  const asked = new URLSearchParams();
  if (place.order !== START.order) asked.set("order", place.order);
  if (place.blind) asked.set("blind", "1");
  for (const filter of FILTERS) {
    const value = place.filters[filter];
    if (value) asked.set(filter, value);
  }
  const path = place.view === "candidate" ? `candidate/${encodeURIComponent(place.id)}` : place.view;
  const query = asked.toString();
  return `#/${path}${query === "" ? "" : `?${query}`}`;
}

/** What the API is asked for: numbers as numbers. */
export function apiFilters(filters: Filters): Record<string, string | number> {
  const asked: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(filters)) {
    if (!value) continue;
    if (name === "min_score" || name === "max_score") {
      const number = Number(value);
      if (Number.isFinite(number)) asked[name] = number;
    } else asked[name] = value;
  }
  return asked;
}
