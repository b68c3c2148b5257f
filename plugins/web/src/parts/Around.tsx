/** What belongs to a detection beside its pictures. Asked for only once somebody stays with it. */

import { useEffect, useState } from "react";

import type { Detection, Judgement, VerdictEvent } from "../api/types";
import { Facts, Provenance } from "./Facts";
import { Finder } from "./Finder";
import { LightCurve } from "./LightCurve";
import { usePage } from "./page";
import { Trouble } from "./Trouble";
import { useGet } from "./useGet";

/** At 300 verdicts an hour nobody waits for a light curve at a glance; this spares the server those who pass by. */
const STAY_MS = 250;

function useStay(id: string): boolean {
  const [stayed, setStayed] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setStayed(id), STAY_MS);
    return () => clearTimeout(timer);
  }, [id]);
  return stayed === id;
}

interface Props {
  detection: Detection;
  blind: boolean;
  showsProvenance: boolean;
  onProvenance: (shows: boolean) => void;
  showsVotes?: boolean;
  /** Where the verdict is given. */
  verdict?: React.ReactNode;
}

export function Around({ detection, blind, showsProvenance, onProvenance, showsVotes = true, verdict }: Props) {
  const stays = useStay(detection.id);
  return (
    <div className="grid items-start gap-3 lg:grid-cols-[minmax(0,4fr)_minmax(0,3fr)_minmax(0,2fr)]">
      <div className="flex min-w-0 flex-col gap-3">
        {verdict}
        <Facts detection={detection} blind={blind} />
        {stays && !blind && showsVotes && <Votes id={detection.id} />}
        <Provenance detection={detection} open={showsProvenance} onToggle={onProvenance} />
      </div>
      {stays && <LightCurve detection={detection} />}
      <Finder detection={detection} asks={stays} />
    </div>
  );
}

export function Votes({ id, again = 0 }: { id: string; again?: number }) {
  const { data, error } = useGet<Judgement>(`detections/${encodeURIComponent(id)}/verdicts`, {}, again);
  if (error) return <Trouble>{error}</Trouble>;
  if (data === null || data.items.length === 0) return null;
  return <VoteList verdicts={data.items} />;
}

const TONES: Record<string, string> = { real: "text-real", bogus: "text-bogus", unsure: "text-unsure" };

export function VoteList({ verdicts }: { verdicts: VerdictEvent[] }) {
  const { vocabulary } = usePage();
  const superseded = new Set(verdicts.map((one) => one.supersedes));
  const title = (one: VerdictEvent) =>
    (one.verdict === "withdrawn"
      ? undefined
      : vocabulary.reasons[one.verdict]?.find((term) => term.code === one.reason)?.title) ?? one.reason;
  return (
    <section className="box p-2" aria-label="Verdicts">
      <h3 className="text-sm font-semibold">Verdicts</h3>
      <ul className="space-y-0.5 text-sm">
        {verdicts.map((one) => (
          <li key={one.id} className={superseded.has(one.id) ? "text-soft line-through" : ""}>
            <span className={`font-semibold ${superseded.has(one.id) ? "" : (TONES[one.verdict] ?? "")}`}>
              {one.verdict}
            </span>
            {one.reason && `, ${title(one)}`} · {one.curator}
            {one.role === "arbiter" && " (arbiter)"} · {one.at.slice(0, 16).replace("T", " ")} UTC
            {one.comment && <q className="block pl-4 text-soft">{one.comment}</q>}
          </li>
        ))}
      </ul>
    </section>
  );
}
