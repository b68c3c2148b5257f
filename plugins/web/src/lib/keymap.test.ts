import { expect, test } from "vitest";

import { actionOf, ALL_ACTIONS, DEFAULT_KEYS, keyOf, parseKeymap, remap } from "./keymap";

const press = (key: string, ctrlKey = false) => ({ key, ctrlKey, altKey: false, metaKey: false });

test("no key has two actions", () => {
  const keys = ALL_ACTIONS.map((action) => DEFAULT_KEYS[action].toLowerCase());
  expect(new Set(keys).size).toBe(keys.length);
});

test("one key judges, in either case", () => {
  expect(actionOf(press("1"), DEFAULT_KEYS)).toBe("real");
  expect(actionOf(press("Z"), DEFAULT_KEYS)).toBe("undo");
  expect(actionOf(press("y"), DEFAULT_KEYS)).toBeNull();
});

test("keys of the browser are left to the browser", () => {
  expect(keyOf(press("r", true))).toBeNull();
  expect(keyOf(press("Tab"))).toBeNull();
  expect(keyOf(press("Escape"))).toBeNull();
});

test("a key that is taken is swapped, so that every action keeps a key", () => {
  const changed = remap(DEFAULT_KEYS, "real", "2");
  expect(changed.real).toBe("2");
  expect(changed.bogus).toBe("1");
});

test("a kept keymap comes back, and a broken one does not", () => {
  const changed = remap(DEFAULT_KEYS, "undo", "y");
  expect(parseKeymap(JSON.stringify(changed))).toEqual(changed);
  expect(parseKeymap("{")).toEqual(DEFAULT_KEYS);
  expect(parseKeymap(JSON.stringify({ ...DEFAULT_KEYS, real: "2" }))).toEqual(DEFAULT_KEYS);
  expect(parseKeymap(JSON.stringify({ undo: 3 }))).toEqual(DEFAULT_KEYS);
  expect(parseKeymap(null)).toEqual(DEFAULT_KEYS);
});

test("actions of another version are dropped", () => {
  expect(Object.keys(parseKeymap(JSON.stringify({ dance: "d" })))).toEqual(ALL_ACTIONS);
});
