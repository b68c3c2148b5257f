/** One candidate after another, by keyboard. */

import { useCallback, useEffect, useRef, useState } from "react";

import type { VerdictWord } from "../api/types";
import { current } from "../lib/queue";
import { Around } from "../parts/Around";
import { Heading } from "../parts/Heading";
import { FilterBar } from "../parts/FilterBar";
import { may, useKeys, usePage } from "../parts/page";
import { Pictures } from "../parts/Pictures";
import { changed } from "../parts/Toolbar";
import type { QueueState } from "../parts/useQueue";
import { nextConfidence, VerdictBar } from "../parts/VerdictBar";
import { Cap } from "../parts/Cap";

/** What a person said before judging; of one detection only. */
interface Draft {
  id: string;
  comment: string;
  confidence: number | null;
}

export function Review({ state }: { state: QueueState }) {
  const { me, place, go, keys, keysOn, setDisplay, display, say } = usePage();
  const item = current(state.queue);
  const id = item?.id ?? "";
  const [kept, setKept] = useState<Draft>({ id: "", comment: "", confidence: null });
  const draft = kept.id === id ? kept : { id, comment: "", confidence: null };
  const [asking, setAsking] = useState<VerdictWord | null>(null);
  const [showsProvenance, setShowsProvenance] = useState(false);
  const shownAt = useRef(performance.now());
  const { painted, pressed } = usePaintTime();
  useEffect(() => {
    shownAt.current = performance.now();
    setAsking(null);
  }, [id]);

  const mayJudge = may(me, "judge");
  const judge = (verdict: VerdictWord, reason: string) => {
    if (item === undefined || !mayJudge) return;
    pressed();
    const seconds = Math.round((performance.now() - shownAt.current) / 100) / 10;
    state.judge(item, { verdict, reason, comment: draft.comment.trim(), confidence: draft.confidence, seconds });
    say(`${verdict}${reason ? `, ${reason.replaceAll("_", " ")}` : ""}`);
  };
  const undo = () => {
    const act = state.undo();
    if (act === undefined) return say("Nothing to undo in this session.");
    say(act.isBatch ? `${act.items.length} verdicts (${act.verdict}) taken back` : `${act.verdict} taken back`);
  };
  const leave = (how: "skip" | "snooze") => {
    if (item === undefined || !mayJudge) return;
    pressed();
    if (how === "skip") state.skip(item);
    else state.snooze(item);
    say(how === "skip" ? "Skipped" : "Snoozed for an hour");
  };

  useKeys(keys, keysOn, (action) => {
    const display_ = changed(display, action);
    if (display_ !== null) {
      setDisplay(() => display_);
      return true;
    }
    switch (action) {
      case "real":
      case "bogus":
      case "unsure":
        judge(action, "");
        return true;
      case "realBecause":
      case "bogusBecause":
        if (item !== undefined && mayJudge) setAsking(action === "realBecause" ? "real" : "bogus");
        return true;
      case "undo":
        undo();
        return true;
      case "skip":
      case "snooze":
        leave(action);
        return true;
      case "comment":
        document.getElementById("comment")?.focus();
        return true;
      case "confidence":
        setKept({ ...draft, confidence: nextConfidence(draft.confidence) });
        return true;
      case "next":
      case "previous":
        pressed();
        state.move(action === "next" ? 1 : -1);
        return true;
      case "facts":
        setShowsProvenance(!showsProvenance);
        return true;
      case "blind":
        go({ blind: !place.blind });
        return true;
      default:
        return false;
    }
  });

  return (
    <div className="space-y-3">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <FilterBar />
        <Steps state={state} mayJudge={mayJudge} onUndo={undo} onLeave={leave} />
      </div>
      {item === undefined ? (
        <Empty state={state} />
      ) : (
        <>
          <Heading item={item} blind={place.blind}>
            {state.queue.at + 1} of {state.queue.items.length} at hand
          </Heading>
          <Pictures id={item.id} onPainted={painted} />
          <Around
            detection={item}
            blind={place.blind}
            showsProvenance={showsProvenance}
            onProvenance={setShowsProvenance}
            verdict={
              mayJudge ? (
                <VerdictBar
                  disabled={false}
                  comment={draft.comment}
                  onComment={(comment) => setKept({ ...draft, comment })}
                  confidence={draft.confidence}
                  onConfidence={(confidence) => setKept({ ...draft, confidence })}
                  onVerdict={judge}
                  asking={asking}
                  onAsk={setAsking}
                />
              ) : (
                <p className="box p-3">You may look, but not judge: that needs the role of a reviewer.</p>
              )
            }
          />
        </>
      )}
    </div>
  );
}

interface StepsProps {
  state: QueueState;
  mayJudge: boolean;
  onUndo: () => void;
  onLeave: (how: "skip" | "snooze") => void;
}

function Steps({ state, mayJudge, onUndo, onLeave }: StepsProps) {
  const { keys } = usePage();
  const isEmpty = state.queue.items.length === 0;
  return (
    <div className="flex flex-wrap gap-1.5">
      <button type="button" className="button" disabled={state.queue.judged.length === 0} onClick={onUndo}>
        Undo <Cap>{keys.undo}</Cap>
      </button>
      <button type="button" className="button" disabled={isEmpty || !mayJudge} onClick={() => onLeave("skip")}>
        Skip <Cap>{keys.skip}</Cap>
      </button>
      <button type="button" className="button" disabled={isEmpty || !mayJudge} onClick={() => onLeave("snooze")}>
        Snooze <Cap>{keys.snooze}</Cap>
      </button>
      <button
        type="button"
        className="button"
        aria-label="Look at the one before"
        disabled={state.queue.at === 0}
        onClick={() => state.move(-1)}
      >
        ←
      </button>
      <button
        type="button"
        className="button"
        aria-label="Look at the next, without a verdict"
        disabled={state.queue.at + 1 >= state.queue.items.length}
        onClick={() => state.move(1)}
      >
        →
      </button>
    </div>
  );
}

export function Empty({ state }: { state: QueueState }) {
  return (
    <div className="box p-10 text-center" role="status">
      {state.error ? (
        <p className="text-bogus">{state.error}</p>
      ) : (
        <p>{state.isLoading ? "Fetching candidates…" : "Nothing waits for you under these filters."}</p>
      )}
      {!state.isLoading && (
        <button type="button" className="button mt-3" onClick={() => state.claim(12)}>
          Look again
        </button>
      )}
    </div>
  );
}

/** How long it takes from a key to the next picture on the screen; `performance` keeps it for whoever measures. */
function usePaintTime() {
  const startedMs = useRef<number | null>(null);
  const pressed = useCallback(() => {
    startedMs.current = performance.now();
  }, []);
  const painted = useCallback(() => {
    const start = startedMs.current;
    if (start === null) return;
    startedMs.current = null;
    // A task after the frame's callbacks runs once the frame is on its way to the screen.
    requestAnimationFrame(() =>
      setTimeout(() => performance.measure("astrid.painted", { start, end: performance.now() })),
    );
  }, []);
  return { pressed, painted };
}
