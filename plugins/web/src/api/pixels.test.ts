import { expect, test, vi } from "vitest";

vi.stubGlobal("document", { baseURI: "http://127.0.0.1/astrid/ui/" });
const { orientationOf, unpack } = await import("./pixels");

test("planes are told apart by their order", () => {
  const bytes = new ArrayBuffer(4 * 3 * 4);
  const view = new DataView(bytes);
  for (let i = 0; i < 12; i += 1) view.setFloat32(4 * i, i, true);
  const stamps = unpack(bytes, [3, 2, 2], { scaleArcsec: 0.5, isNorthUp: true, offDeg: 0 });
  expect(stamps.size).toBe(2);
  expect([...(stamps.planes.reference ?? [])]).toEqual([4, 5, 6, 7]);
  expect(stamps.planes.score).toBeUndefined();
});

test("bytes that do not fit their shape are no picture", () => {
  const sky = { scaleArcsec: null, isNorthUp: false, offDeg: 0 };
  expect(() => unpack(new ArrayBuffer(16), [1, 2, 3], sky)).toThrow("do not fit");
  expect(() => unpack(new ArrayBuffer(16), [4, 63, 63], sky)).toThrow("do not fit");
});

test("the orientation says what remains of a turn", () => {
  expect(orientationOf("sky; north=up; east=left; off_deg=-1.250")).toEqual({ isNorthUp: true, offDeg: 1.25 });
  expect(orientationOf("frame; y=up")).toEqual({ isNorthUp: false, offDeg: 0 });
});
