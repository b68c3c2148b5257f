import { expect, test } from "vitest";

import { apiFilters, readPlace, START, writePlace, type Place } from "./place";

test("an address without anything is the start", () => {
  expect(readPlace("")).toEqual(START);
  expect(readPlace("#/nonsense?order=nonsense")).toEqual(START);
});

test("every place comes back from its address", () => {
  const places: Place[] = [
    START,
    { view: "grid", id: "", order: "uncertain", blind: true, filters: { night: "2026-01-02", min_score: "0.5" } },
    { view: "candidate", id: "detect/1:ab c:7", order: "random", blind: false, filters: { survey: "a&b=c#d" } },
  ];
  for (const place of places) expect(readPlace(writePlace(place))).toEqual(place);
});

test("a broken address is shown as it is", () => {
  expect(readPlace("#/candidate/%E0%A4%A").id).toBe("%E0%A4%A");
});

test("the API gets numbers, and nothing that is empty", () => {
  expect(apiFilters({ night: "2026-01-02", min_score: "0.25", max_score: "much", band: "" })).toEqual({
    night: "2026-01-02",
    min_score: 0.25,
  });
});
