/** Real, bogus or unsure; why; how sure; in whose words. */

import { useEffect } from "react";

import type { VerdictWord } from "../api/types";
import { keyName, REASON_KEYS } from "../lib/keymap";
import { usePage } from "./page";
import { Cap } from "./Cap";

export const VERDICTS: { word: VerdictWord; tone: string }[] = [
  { word: "real", tone: "text-real" },
  { word: "bogus", tone: "text-bogus" },
  { word: "unsure", tone: "text-unsure" },
];

const SURE = ["not said", "low", "medium", "high"];

interface Props {
  disabled: boolean;
  comment: string;
  onComment: (comment: string) => void;
  confidence: number | null;
  onConfidence: (confidence: number | null) => void;
  onVerdict: (verdict: VerdictWord, reason: string) => void;
  /** The verdict whose reasons are offered. */
  asking: VerdictWord | null;
  onAsk: (verdict: VerdictWord | null) => void;
}

export function nextConfidence(confidence: number | null): number | null {
  return confidence === null ? 1 : confidence >= 3 ? null : confidence + 1;
}

export function VerdictBar(props: Props) {
  const { keys, keysOn, vocabulary } = usePage();
  const { disabled, confidence, asking, onAsk } = props;
  return (
    <section
      aria-label="Verdict"
      className="box z-10 space-y-2 p-2 max-sm:fixed max-sm:inset-x-0 max-sm:bottom-0 max-sm:rounded-none"
    >
      <div className="grid grid-cols-3 gap-2">
        {VERDICTS.map(({ word, tone }) => (
          <div key={word} className="flex min-w-0">
            <button
              type="button"
              disabled={disabled}
              onClick={() => props.onVerdict(word, "")}
              className={`button flex-1 font-semibold capitalize ${tone} ${vocabulary.reasons[word]?.length ? "rounded-r-none" : ""}`}
            >
              {word} {keysOn && <Cap>{keys[word]}</Cap>}
            </button>
            {Boolean(vocabulary.reasons[word]?.length) && (
              <button
                type="button"
                disabled={disabled}
                aria-expanded={asking === word}
                aria-label={`${word} with a reason`}
                onClick={() => onAsk(asking === word ? null : word)}
                className={`button rounded-l-none border-l-0 px-2 ${tone}`}
              >
                ▾
              </button>
            )}
          </div>
        ))}
      </div>
      {asking && (
        <Reasons verdict={asking} onChoose={(reason) => props.onVerdict(asking, reason)} onClose={() => onAsk(null)} />
      )}
      <div className="flex gap-2">
        <input
          id="comment"
          className="field"
          aria-label="Comment"
          placeholder={`Comment (${keyName(keys.comment)})`}
          maxLength={2000}
          value={props.comment}
          onChange={(event) => props.onComment(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" || event.key === "Escape") event.currentTarget.blur();
          }}
        />
        <button
          type="button"
          className="button shrink-0"
          disabled={disabled}
          onClick={() => props.onConfidence(nextConfidence(confidence))}
        >
          <span className="sr-only">Confidence: </span>
          {confidence === null ? "Sure?" : SURE[confidence]} <Cap>{keys.confidence}</Cap>
        </button>
      </div>
    </section>
  );
}

function Reasons({
  verdict,
  onChoose,
  onClose,
}: {
  verdict: VerdictWord;
  onChoose: (reason: string) => void;
  onClose: () => void;
}) {
  const { vocabulary } = usePage();
  const terms = vocabulary.reasons[verdict] ?? [];
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      const chosen = event.key.length === 1 ? terms[REASON_KEYS.indexOf(event.key.toLowerCase())] : undefined;
      if (event.key === "Escape") onClose();
      else if (chosen !== undefined) onChoose(chosen.code);
      else if (["Tab", "Enter", " ", "Shift"].includes(event.key)) return;
      // While reasons are offered every other key waits: a slip must not judge.
      event.preventDefault();
      event.stopPropagation();
    };
    document.addEventListener("keydown", press, true);
    return () => document.removeEventListener("keydown", press, true);
  });
  return (
    <div role="group" aria-label={`Why ${verdict}?`} className="flex flex-wrap gap-1.5">
      {terms.map((term, i) => (
        <button key={term.code} type="button" className="button text-xs" onClick={() => onChoose(term.code)}>
          <Cap>{REASON_KEYS[i] ?? ""}</Cap> {term.title}
        </button>
      ))}
      <button type="button" className="button text-xs" onClick={onClose}>
        <Cap>Esc</Cap> no reason
      </button>
    </div>
  );
}
