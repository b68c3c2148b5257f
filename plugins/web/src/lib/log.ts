/** What an event of the log says, as people read it. Pure. */

import type { AuditRow } from "../api/types";

/** Of a digest or a UUID, as much as tells it from others on one page. */
const LONG_HEX = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}|[0-9a-f]{16,}/g;
const MOST_NAMED = 3;
/** Told elsewhere in the row, or only of use to a program. */
const ASIDE = ["before", "after", "by", "digest", "event"];

export function shortened(text: string): string {
  return text.replace(LONG_HEX, (hex) => `${hex.slice(0, 8)}…`);
}

/** One fact in words: lists by their members, or by how many they are. */
export function inWords(value: unknown): string {
  if (value === null || value === undefined || value === "") return "nothing";
  if (Array.isArray(value)) {
    if (value.length === 0) return "none";
    return value.length > MOST_NAMED ? String(value.length) : value.map(inWords).join(", ");
  }
  if (typeof value === "object") {
    const parts = Object.entries(value).map(([name, one]) => `${spaced(name)} ${inWords(one)}`);
    return parts.length === 0 ? "none" : parts.join(", ");
  }
  return shortened(String(value));
}

function spaced(name: string): string {
  return name.replaceAll("_", " ");
}

export interface Told {
  /** From what to what; null where the event changed nothing that has a state. */
  change: string | null;
  /** Everything else that says something, as name and words. */
  facts: [string, string][];
  /** In which role, and by which way. */
  as: string;
}

export function told(row: AuditRow): Told {
  const { facts } = row;
  const hasState = "before" in facts || "after" in facts;
  const by = facts.by as { roles?: string[]; via?: string } | undefined;
  return {
    change: hasState ? `${inWords(facts.before)} → ${inWords(facts.after)}` : null,
    facts: Object.entries(facts)
      .filter(([name, value]) => !ASIDE.includes(name) && value !== null && value !== "")
      .map(([name, value]) => [spaced(name), inWords(value)]),
    as: by === undefined ? "" : [by.roles?.join(", "), by.via && `by ${by.via}`].filter(Boolean).join(" · "),
  };
}
