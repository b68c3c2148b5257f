import { expect, test } from "vitest";

import type { Curve } from "../api/types";
import { isLimit, readings } from "./curve";

const measured = { band: "r", flux: 900, flux_err: 20, mag_ab: 19.5, mag_err: 0.02, reference_digest: "ab" };
const nothing = { ...measured, flux: 3, mag_ab: null, mag_err: null };
const curve: Curve = {
  entry_id: "1",
  points: [{ ...measured, detection_id: "d", observation_id: "two", mid_mjd: 2 }],
  forced: [
    { ...nothing, observation_id: "one", mid_mjd: 1 },
    { ...measured, observation_id: "two", mid_mjd: 2 },
    { ...nothing, observation_id: "masked", mid_mjd: 4, flux: null, flux_err: null },
  ],
  limits: [
    { observation_id: "one", band: "r", mid_mjd: 1, limit_mag: 21, reference_digest: "ab", is_forced: true },
    { observation_id: "three", band: "r", mid_mjd: 3, limit_mag: 20, reference_digest: "ab", is_forced: false },
  ],
};

test("a curve has what was found, what was measured at the place, and limits, in the order of time", () => {
  const found = readings(curve, "d");
  expect(found.map((one) => one.kind)).toEqual(["limit", "forced", "forced", "found", "depth"]);
  expect(found.map((one) => one.mag)).toEqual([21, null, 19.5, 19.5, 20]);
  expect(found.filter(isLimit)).toHaveLength(2);
});

test("only the detection that is looked at is marked", () => {
  expect(readings(curve, "d").filter((one) => one.isThis)).toHaveLength(1);
  expect(readings(curve, "another").some((one) => one.isThis)).toBe(false);
});
