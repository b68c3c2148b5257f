/** The keys, and a way to change them. */

import { useState } from "react";

import { ACTIONS, ALL_ACTIONS, DEFAULT_KEYS, keyName, keyOf, remap, type Action, type Keymap } from "../lib/keymap";
import { Dialog } from "./Dialog";

interface Props {
  keys: Keymap;
  enabled: boolean;
  onKeys: (keys: Keymap) => void;
  onEnabled: (enabled: boolean) => void;
  onClose: () => void;
}

export function Help({ keys, enabled, onKeys, onEnabled, onClose }: Props) {
  const [asked, setAsked] = useState<Action | null>(null);
  const take = (event: React.KeyboardEvent) => {
    if (asked === null) return;
    const key = keyOf(event);
    if (key === null) return;
    event.preventDefault();
    event.stopPropagation();
    onKeys(remap(keys, asked, key));
    setAsked(null);
  };
  return (
    <Dialog title="Keys" onClose={onClose}>
      <div onKeyDown={take}>
        <p className="mb-2 text-soft">
          Choose a key to change it, then press the new one. Two actions never share a key.
        </p>
        <ul className="grid gap-x-6 gap-y-1 sm:grid-cols-2">
          {ALL_ACTIONS.map((action) => (
            <li key={action} className="flex items-center justify-between gap-2">
              <span>{ACTIONS[action]}</span>
              <button
                type="button"
                className="button min-w-16 font-mono"
                aria-pressed={asked === action}
                aria-label={`Key for ${ACTIONS[action]}: ${keyName(keys[action])}`}
                onClick={() => setAsked(asked === action ? null : action)}
              >
                {asked === action ? "press…" : keyName(keys[action])}
              </button>
            </li>
          ))}
        </ul>
        <p className="mt-3 text-soft">
          With Shift and an arrow on a picture, the pixel to read moves. In the grid, arrows move, space chooses.
        </p>
        <div className="mt-3 flex flex-wrap gap-2">
          <button type="button" className="button" onClick={() => onKeys(DEFAULT_KEYS)}>
            Back to the first keys
          </button>
          <button type="button" className="button" aria-pressed={enabled} onClick={() => onEnabled(!enabled)}>
            {enabled ? "Keys are on" : "Keys are off"}
          </button>
        </div>
      </div>
    </Dialog>
  );
}
