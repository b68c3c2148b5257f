import { expect, test } from "vitest";

import { decText, mjdDate, mollweide, offsetArcsec, raText, shown, ticks } from "./sky";

test("offsets are east and north, also across the start of right ascension", () => {
  const step = offsetArcsec({ ra_deg: 359.9999, dec_deg: 0 }, { ra_deg: 0.0001, dec_deg: 0.0001 });
  expect(step?.east).toBeCloseTo(0.72, 6);
  expect(step?.north).toBeCloseTo(0.36, 6);
  expect(offsetArcsec({ ra_deg: 0, dec_deg: 60 }, { ra_deg: 0.001, dec_deg: 60 })?.east).toBeCloseTo(1.8, 4);
  expect(offsetArcsec({ ra_deg: 0, dec_deg: 0 }, { ra_deg: 180, dec_deg: 0 })).toBeNull();
});

test("the map keeps the poles up and down, and east to the left", () => {
  expect(mollweide({ ra_deg: 180, dec_deg: 0 }).x).toBeCloseTo(0);
  expect(mollweide({ ra_deg: 10, dec_deg: 90 }).y).toBeCloseTo(1);
  expect(mollweide({ ra_deg: 200, dec_deg: 0 }).x).toBeLessThan(0);
  // The latitude below which half of a hemisphere lies is the sine's half.
  expect(mollweide({ ra_deg: 180, dec_deg: 30 }).y).toBeCloseTo(0.404, 3);
});

test("sexagesimal seconds never reach sixty", () => {
  expect(raText(14.9999999)).toBe("01:00:00.00");
  expect(raText(359.9999999)).toBe("00:00:00.00");
  expect(decText(-0.5)).toBe("-00:30:00.0");
  expect(decText(41.26875)).toBe("+41:16:07.5");
});

test("a number that is not there is a dash", () => {
  expect([shown(null), shown(Number.NaN), shown(1.234)]).toEqual(["–", "–", "1.23"]);
});

test("an axis has round numbers inside of its limits, with the digits that they need", () => {
  expect(ticks(16.31, 18.44).map((one) => one.text)).toEqual(["16.5", "17.0", "17.5", "18.0"]);
  expect(ticks(60329.67, 60330.17).map((one) => one.text)).toEqual([
    "60329.7",
    "60329.8",
    "60329.9",
    "60330.0",
    "60330.1",
  ]);
  expect(ticks(-300, 2100).map((one) => one.text)).toEqual(["0", "500", "1000", "1500", "2000"]);
});

test("a modified Julian date falls into a day of UTC", () => {
  expect([mjdDate(40587), mjdDate(60329.999)]).toEqual(["1970-01-01", "2024-01-20"]);
});
