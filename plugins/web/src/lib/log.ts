/** What an event of the log says, as people read it. Pure. */

import type { AuditRow } from "../api/types";

/** Of a digest or a UUID, as much as tells it from others on one page. */
const LONG_HEX = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}|[0-9a-f]{16,}/g;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)$/;
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
  const text = String(value);
  return TIME.test(text) ? `${text.slice(0, 19).replace("T", " ")} UTC` : shortened(text);
}

function changeOf(before: string, after: string): string {
  return before === after ? `${before}, as before` : `${before} → ${after}`;
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
    change: hasState ? changeOf(inWords(facts.before), inWords(facts.after)) : null,
    facts: Object.entries(facts)
      .filter(([name, value]) => !ASIDE.includes(name) && value !== null && value !== "")
      .filter(([name, value]) => !(name === "curator" && value === row.actor))
      .map(([name, value]) => [spaced(name), inWords(value)]),
    as: by === undefined ? "" : [by.roles?.join(", "), by.via && `by ${by.via}`].filter(Boolean).join(" · "),
  };
}
