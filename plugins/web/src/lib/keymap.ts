/** Which key does what; people may change it, and the change is kept in the browser. */

export const ACTIONS = {
  real: "Judge real",
  bogus: "Judge bogus",
  unsure: "Judge unsure",
  realBecause: "Real, with a reason",
  bogusBecause: "Bogus, with a reason",
  undo: "Undo the last verdict",
  skip: "Skip: not again in this session",
  snooze: "Snooze: again in an hour",
  comment: "Write a comment",
  confidence: "Change the confidence",
  next: "Look at the next, without a verdict",
  previous: "Look at the one before",
  blink: "Blink science and reference",
  invert: "Invert the greys",
  stretch: "Next stretch",
  link: "Share one stretch, or one for each picture",
  crosshair: "Show the crosshair",
  zoomIn: "Zoom in",
  zoomOut: "Zoom out",
  survey: "Sky survey or finder chart",
  blind: "Blind mode: hide scores and votes",
  facts: "Show or hide the provenance",
  help: "Show the keys",
} as const;

export type Action = keyof typeof ACTIONS;
export type Keymap = Record<Action, string>;

export const DEFAULT_KEYS: Keymap = {
  real: "1",
  bogus: "2",
  unsure: "3",
  realBecause: "q",
  bogusBecause: "w",
  undo: "z",
  skip: "s",
  snooze: "n",
  comment: "c",
  confidence: "v",
  next: "ArrowRight",
  previous: "ArrowLeft",
  blink: "b",
  invert: "i",
  stretch: "t",
  link: "l",
  crosshair: "x",
  zoomIn: "+",
  zoomOut: "-",
  survey: "k",
  blind: "h",
  facts: "p",
  help: "?",
};

export const ALL_ACTIONS = Object.keys(ACTIONS) as Action[];

/** The letters that choose a reason from a palette, in the order of the vocabulary. */
export const REASON_KEYS = "1234567890abcdefghijklmnopqrstuvwxyz";

export interface Press {
  key: string;
  ctrlKey: boolean;
  altKey: boolean;
  metaKey: boolean;
}

/** The key as it is written in a keymap, or null where the browser or a screen reader may mean it. */
export function keyOf(press: Press): string | null {
  if (press.ctrlKey || press.altKey || press.metaKey) return null;
  if (["Shift", "Control", "Alt", "Meta", "Tab", "Escape", "Enter", " ", "Dead"].includes(press.key)) return null;
  return press.key;
}

/** The action of a key press, if it has one. Letters count in both cases unless both are in use. */
export function actionOf(press: Press, keys: Keymap): Action | null {
  const key = keyOf(press);
  if (key === null) return null;
  const exact = ALL_ACTIONS.find((action) => keys[action] === key);
  if (exact !== undefined) return exact;
  return ALL_ACTIONS.find((action) => keys[action].toLowerCase() === key.toLowerCase()) ?? null;
}

/** The keymap with one key changed; whoever had that key gets the one that is given up. */
export function remap(keys: Keymap, action: Action, key: string): Keymap {
  const other = ALL_ACTIONS.find((one) => one !== action && keys[one].toLowerCase() === key.toLowerCase());
  const changed = { ...keys, [action]: key };
  if (other !== undefined) changed[other] = keys[action];
  return changed;
}

/** What was kept, where it is a whole keymap without a key that is used twice; else the defaults. */
export function parseKeymap(kept: string | null): Keymap {
  if (kept === null) return DEFAULT_KEYS;
  try {
    const read: unknown = JSON.parse(kept);
    if (typeof read !== "object" || read === null) return DEFAULT_KEYS;
    const merged = { ...DEFAULT_KEYS, ...read } as Record<string, unknown>;
    const values = ALL_ACTIONS.map((action) => merged[action]);
    const isWhole = values.every((value) => typeof value === "string" && value !== "");
    if (!isWhole || new Set(values.map((value) => String(value).toLowerCase())).size !== values.length)
      return DEFAULT_KEYS;
    return Object.fromEntries(ALL_ACTIONS.map((action) => [action, merged[action]])) as Keymap;
  } catch {
    return DEFAULT_KEYS;
  }
}

const NAMES: Record<string, string> = { ArrowRight: "→", ArrowLeft: "←", ArrowUp: "↑", ArrowDown: "↓" };

/** The key as people read it. */
export function keyName(key: string): string {
  return NAMES[key] ?? key;
}
