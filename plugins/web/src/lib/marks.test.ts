import { expect, test } from "vitest";

import type { Neighbours } from "../api/types";
import { marksOf } from "./marks";

const PLACE = { ra_deg: 10, dec_deg: 0 };

test("what is near stands in one list, nearest first, an object together with its detections", () => {
  const around: Neighbours = {
    entry_id: null,
    history: [],
    objects: [{ id: "0123456789", ...PLACE, separation_arcsec: 20, note: "candidate" }],
    detections: [
      { id: "a", ra_deg: 10 + 0.5 / 3600, dec_deg: 0, separation_arcsec: 20.5, note: "2026-01-01" },
      { id: "b", ra_deg: 10.01, dec_deg: 0, separation_arcsec: 40, note: "2026-01-02" },
    ],
    stars: [
      { ...PLACE, separation_arcsec: 3, mag_ab: 17.25, band: "r" },
      { ...PLACE, separation_arcsec: 30, mag_ab: null, band: null },
    ],
    stars_from: "Gaia",
    known: [
      {
        ...PLACE,
        id: "NGC 1",
        kind: "galaxy",
        type: "",
        catalog: "glade 2",
        separation_arcsec: 4,
        mag: 12,
        redshift: 0.0152,
      },
    ],
    minor_planets: [{ ...PLACE, name: "(1) Ceres", separation_arcsec: 1, err_arcsec: 0.3, mag_v: 9.04 }],
  };
  expect(marksOf(around).map((one) => one.name)).toEqual([
    "(1) Ceres, V 9.0",
    "r 17.3 mag",
    "galaxy NGC 1, z 0.015",
    "candidate 01234567",
    "Gaia",
    "2026-01-02",
  ]);
});
