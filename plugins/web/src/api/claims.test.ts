import { expect, test, vi } from "vitest";

import type { Detection } from "./types";

vi.stubGlobal("document", { baseURI: "http://127.0.0.1/astrid/ui/" });
const { fits } = await import("./claims");

const detection = {
  night: "2026-01-02",
  survey: "demo",
  band: "r",
  opinion: { score: 0.5, kind: "transient" },
} as Detection;

test("what is held is shown again where it is asked for", () => {
  expect(fits(detection, {})).toBe(true);
  expect(fits(detection, { night: "2026-01-02", band: "r", min_score: "0.4", kind: "transient" })).toBe(true);
  expect(fits(detection, { night: "2026-01-03" })).toBe(false);
  expect(fits(detection, { max_score: "0.4" })).toBe(false);
});

test("what cannot be told counts as not asked for", () => {
  const blind = { ...detection, opinion: null };
  expect(fits(blind, {})).toBe(true);
  expect(fits(blind, { min_score: "0.4" })).toBe(false);
  expect(fits(blind, { kind: "transient" })).toBe(false);
  expect(fits(detection, { cell: "6/1" })).toBe(false);
});
