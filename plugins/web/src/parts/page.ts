/** What every view of the page shares. */

import { createContext, useContext, useEffect, useRef } from "react";

import type { Me, Survey, Vocabulary } from "../api/types";
import { actionOf, type Action, type Keymap } from "../lib/keymap";
import type { Letter } from "../lib/outbox";
import type { Place } from "../lib/place";
import type { Display } from "./Triplet";

export interface PageState {
  me: Me;
  vocabulary: Vocabulary;
  /** Null where the finder chart is all there is. */
  survey: Survey | null;
  place: Place;
  go: (change: Partial<Place>) => void;
  keys: Keymap;
  keysOn: boolean;
  display: Display;
  setDisplay: (change: (display: Display) => Display) => void;
  /** Tell people, also those who listen; a mistake stays until the next word. */
  say: (text: string, isError?: boolean) => void;
  send: (letter: Letter) => void;
}

export const PageContext = createContext<PageState | null>(null);

export function usePage(): PageState {
  const page = useContext(PageContext);
  if (page === null) throw new Error("outside of the page");
  return page;
}

export function may(me: Me, permission: string): boolean {
  return me.permissions.includes(permission);
}

/** Call with the action of each key press, except where somebody writes or a dialog is open. */
export function useKeys(keys: Keymap, isOn: boolean, act: (action: Action) => boolean): void {
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    if (!isOn) return;
    const press = (event: KeyboardEvent) => {
      if (event.defaultPrevented || isWriting(event.target) || document.querySelector("dialog[open]")) return;
      if (event.shiftKey && event.key.startsWith("Arrow")) return;
      const action = actionOf(event, keys);
      if (action !== null && latest.current(action)) event.preventDefault();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [keys, isOn]);
}

function isWriting(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement
  );
}
