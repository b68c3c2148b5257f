/** Many candidates at once: choose, judge as one act, take back as one act. */

import { useState } from "react";

import type { Detection, VerdictWord } from "../api/types";
import { Dialog } from "../parts/Dialog";
import { FilterBar } from "../parts/FilterBar";
import { may, useKeys, usePage } from "../parts/page";
import { Stamp } from "../parts/Stamp";
import { changed, Toolbar } from "../parts/Toolbar";
import { looksOf, useStamps } from "../parts/Triplet";
import { GRID, type QueueState } from "../parts/useQueue";
import { VERDICTS } from "../parts/VerdictBar";
import { Empty } from "./Review";
import { Cap } from "../parts/Cap";

const ARROWS: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1 };

export function Grid({ state }: { state: QueueState }) {
  const { me, place, go, keys, keysOn, display, setDisplay, say, vocabulary } = usePage();
  const shown = state.queue.items.slice(0, GRID);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [asked, setAsked] = useState<VerdictWord | null>(null);
  const [reason, setReason] = useState("");
  const picked = shown.filter((item) => chosen.has(item.id));
  const mayJudge = may(me, "judge");

  const toggle = (id: string) => {
    const now = new Set(chosen);
    if (!now.delete(id)) now.add(id);
    setChosen(now);
  };
  const ask = (verdict: VerdictWord) => {
    if (!mayJudge) return;
    if (picked.length === 0) return say("Choose some first: click, or space.", true);
    setReason("");
    setAsked(verdict);
  };
  const confirm = () => {
    if (asked === null) return;
    state.judgeMany(picked, { verdict: asked, reason, comment: "", confidence: null, seconds: null });
    say(`${picked.length} judged ${asked}; one undo takes all back`);
    setChosen(new Set());
    setAsked(null);
  };
  const undo = () => {
    const act = state.undo();
    say(
      act === undefined
        ? "Nothing to undo in this session."
        : `${act.items.length} verdicts (${act.verdict}) taken back`,
    );
  };

  useKeys(keys, keysOn, (action) => {
    const next = changed(display, action);
    if (next !== null) setDisplay(() => next);
    else if (action === "real" || action === "bogus" || action === "unsure") ask(action);
    else if (action === "undo") undo();
    else if (action === "blind") go({ blind: !place.blind });
    else return false;
    return true;
  });

  return (
    <div className="space-y-3">
      <FilterBar />
      <Toolbar isSmall />
      <div className="flex flex-wrap items-center gap-2">
        <span aria-live="polite">
          {picked.length} of {shown.length} chosen
        </span>
        <button type="button" className="button" onClick={() => setChosen(new Set(shown.map((item) => item.id)))}>
          All
        </button>
        <button type="button" className="button" onClick={() => setChosen(new Set())}>
          None
        </button>
        {mayJudge &&
          VERDICTS.map(({ word, tone }) => (
            <button
              key={word}
              type="button"
              disabled={picked.length === 0}
              className={`button font-semibold capitalize ${tone}`}
              onClick={() => ask(word)}
            >
              {word} <Cap>{keys[word]}</Cap>
            </button>
          ))}
        <button type="button" className="button" disabled={state.queue.judged.length === 0} onClick={undo}>
          Undo <Cap>{keys.undo}</Cap>
        </button>
      </div>
      {shown.length === 0 ? (
        <Empty state={state} />
      ) : (
        <Tiles items={shown} chosen={chosen} blind={place.blind} onToggle={toggle} />
      )}
      {asked !== null && (
        <Dialog title={`Judge ${picked.length} as ${asked}?`} onClose={() => setAsked(null)}>
          {Boolean(vocabulary.reasons[asked]?.length) && (
            <label className="mb-3 block">
              <span className="label">Reason for all of them</span>
              <select className="field" value={reason} onChange={(event) => setReason(event.target.value)}>
                <option value="">no reason</option>
                {vocabulary.reasons[asked]?.map((term) => (
                  <option key={term.code} value={term.code}>
                    {term.title}
                  </option>
                ))}
              </select>
            </label>
          )}
          <button type="button" data-first className="button border-accent font-semibold" onClick={confirm}>
            Judge all {picked.length}
          </button>
        </Dialog>
      )}
    </div>
  );
}

interface TilesProps {
  items: Detection[];
  chosen: ReadonlySet<string>;
  blind: boolean;
  onToggle: (id: string) => void;
}

function Tiles({ items, chosen, blind, onToggle }: TilesProps) {
  const step = (event: React.KeyboardEvent<HTMLUListElement>) => {
    const by = ARROWS[event.key] ?? rowStep(event);
    if (by === 0 || event.shiftKey) return;
    const tiles = [...event.currentTarget.querySelectorAll("button")];
    const next = tiles[tiles.indexOf(event.target as HTMLButtonElement) + by];
    next?.focus();
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <ul className="grid grid-cols-1 gap-2 sm:grid-cols-3 lg:grid-cols-4 xl:grid-cols-6" onKeyDown={step}>
      {items.map((item) => (
        <li key={item.id}>
          <Tile item={item} isChosen={chosen.has(item.id)} blind={blind} onToggle={() => onToggle(item.id)} />
        </li>
      ))}
    </ul>
  );
}

/** Up and down move by as many as stand in one row just now. */
function rowStep(event: React.KeyboardEvent<HTMLUListElement>): number {
  if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return 0;
  const columns = getComputedStyle(event.currentTarget).gridTemplateColumns.split(" ").length;
  return event.key === "ArrowUp" ? -columns : columns;
}

function Tile({
  item,
  isChosen,
  blind,
  onToggle,
}: {
  item: Detection;
  isChosen: boolean;
  blind: boolean;
  onToggle: () => void;
}) {
  const { display } = usePage();
  const { stamps, error } = useStamps(item.id);
  const looks = stamps ? looksOf(stamps, display) : {};
  const told = `${item.night} ${item.band} ${item.significance.toFixed(1)} σ`;
  const score = blind || item.opinion?.score == null ? "" : item.opinion.score.toFixed(2);
  return (
    <button
      type="button"
      aria-pressed={isChosen}
      aria-label={`${told}${score && `, score ${score}`}`}
      onClick={onToggle}
      className={`box w-full p-1.5 text-left ${isChosen ? "border-accent bg-mark ring-2 ring-accent" : ""}`}
    >
      <span className="grid grid-cols-3 gap-0.5" aria-hidden="true">
        {(["science", "reference", "difference"] as const).map((name) => {
          const plane = stamps?.planes[name];
          const look = looks[name];
          return plane && look && stamps ? (
            <Stamp
              key={name}
              plane={plane}
              size={stamps.size}
              look={look}
              label={name}
              zoom={Math.max(display.zoom, 1.5)}
              crosshair={false}
              cursor={null}
            />
          ) : (
            <span key={name} className="block aspect-square bg-line" />
          );
        })}
      </span>
      <span className="mt-1 flex justify-between text-xs text-soft">
        <span>{error ?? told}</span>
        <span className="font-mono">{score}</span>
      </span>
    </button>
  );
}
