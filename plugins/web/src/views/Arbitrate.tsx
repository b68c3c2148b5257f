/** Where the votes differ: somebody who has not voted decides. */

import { useState } from "react";

import type { Page } from "../api/client";
import type { Disputed, VerdictWord } from "../api/types";
import { newId } from "../lib/uuid";
import { Around, VoteList } from "../parts/Around";
import { Heading } from "../parts/Heading";
import { may, useKeys, usePage } from "../parts/page";
import { Pictures } from "../parts/Pictures";
import { changed } from "../parts/Toolbar";
import { Trouble } from "../parts/Trouble";
import { useGet } from "../parts/useGet";
import { nextConfidence, VerdictBar } from "../parts/VerdictBar";

const BLANK = { comment: "", confidence: null as number | null };

export function Arbitrate({ refusals }: { refusals: number }) {
  const { me, keys, keysOn, display, setDisplay, say, send } = usePage();
  const [again, setAgain] = useState(0);
  const { data, error } = useGet<Page<Disputed>>("arbitrations", {}, again + refusals);
  const [decided, setDecided] = useState<ReadonlySet<string>>(new Set());
  const [at, setAt] = useState(0);
  const [draft, setDraft] = useState(BLANK);
  const [asking, setAsking] = useState<VerdictWord | null>(null);
  const [showsProvenance, setShowsProvenance] = useState(false);
  const cases = (data?.items ?? []).filter((one) => !decided.has(one.id));
  const place = Math.max(Math.min(at, cases.length - 1), 0);
  const one = cases[place];
  const mayDecide = may(me, "arbitrate");

  const decide = (verdict: VerdictWord, reason: string) => {
    if (one === undefined || !mayDecide) return;
    const event = newId();
    send({
      event,
      path: "arbitrations",
      body: {
        id: event,
        detection: one.id,
        verdict,
        reason,
        comment: draft.comment.trim(),
        confidence: draft.confidence,
        seconds: null,
        blind: false,
      },
    });
    setDecided(new Set([...decided, one.id]));
    setDraft(BLANK);
    setAsking(null);
    say(`Decided: ${verdict}`);
  };

  useKeys(keys, keysOn, (action) => {
    const next = changed(display, action);
    if (next !== null) setDisplay(() => next);
    else if (action === "real" || action === "bogus" || action === "unsure") decide(action, "");
    else if (action === "realBecause" || action === "bogusBecause")
      setAsking(action === "realBecause" ? "real" : "bogus");
    else if (action === "next") setAt(Math.min(place + 1, Math.max(cases.length - 1, 0)));
    else if (action === "previous") setAt(Math.max(place - 1, 0));
    else if (action === "comment") document.getElementById("comment")?.focus();
    else if (action === "confidence") setDraft({ ...draft, confidence: nextConfidence(draft.confidence) });
    else if (action === "facts") setShowsProvenance(!showsProvenance);
    else return false;
    return true;
  });

  if (error) return <Trouble>{error}</Trouble>;
  if (data === null) return <p className="p-6">Fetching what is disputed…</p>;
  return (
    <div className="space-y-3">
      <div className="flex flex-wrap items-center gap-3">
        <h2 className="text-base font-semibold">
          {cases.length === 0
            ? "Nothing is disputed."
            : `${cases.length}${data.next === null ? "" : " or more"} disputed`}
        </h2>
        <button
          type="button"
          className="button"
          onClick={() => {
            setDecided(new Set());
            setAgain(again + 1);
          }}
        >
          Look again
        </button>
        {cases.length > 1 && (
          <span className="flex items-center gap-1.5">
            <button
              type="button"
              className="button"
              aria-label="The one before"
              disabled={place === 0}
              onClick={() => setAt(place - 1)}
            >
              ←
            </button>
            {place + 1} of {cases.length}
            <button
              type="button"
              className="button"
              aria-label="The next"
              disabled={place + 1 === cases.length}
              onClick={() => setAt(place + 1)}
            >
              →
            </button>
          </span>
        )}
      </div>
      {one !== undefined && (
        <>
          <Heading item={one} blind={false} />
          <Pictures id={one.id} />
          <Around
            detection={one}
            blind={false}
            showsProvenance={showsProvenance}
            onProvenance={setShowsProvenance}
            showsVotes={false}
            verdict={
              <>
                <VoteList verdicts={one.verdicts} />
                {mayDecide ? (
                  <VerdictBar
                    disabled={false}
                    comment={draft.comment}
                    onComment={(comment) => setDraft({ ...draft, comment })}
                    confidence={draft.confidence}
                    onConfidence={(confidence) => setDraft({ ...draft, confidence })}
                    onVerdict={decide}
                    asking={asking}
                    onAsk={setAsking}
                  />
                ) : (
                  <p className="box p-3">To decide needs the role of an arbiter.</p>
                )}
              </>
            }
          />
        </>
      )}
    </div>
  );
}
