/** How far reviewers agree with one another, with what became final, and with what was known. */

import type { Page } from "../api/client";
import type { Agreement as Figures, Completeness, Confusion, Night } from "../api/types";
import { shown } from "../lib/sky";
import { NightSelect } from "../parts/NightSelect";
import { usePage } from "../parts/page";
import { Table } from "../parts/Table";
import { Trouble } from "../parts/Trouble";
import { useGet } from "../parts/useGet";

export function Agreement() {
  const night = usePage().place.filters.night ?? null;
  const nights = useGet<Page<Night>>("nights", { limit: 200 });
  const { data, error } = useGet<Figures>("agreement", { night });
  return (
    <div className="space-y-3">
      <NightSelect nights={nights.data} night={night} all="all nights" />
      <Trouble>{error ?? nights.error}</Trouble>
      {data === null && error === null && <p className="p-6">Counting votes…</p>}
      {data !== null && <AgreementTables figures={data} />}
    </div>
  );
}

function AgreementTables({ figures }: { figures: Figures }) {
  return (
    <>
      <dl className="grid grid-cols-2 gap-2 sm:grid-cols-4">
        <Figure name="Detections with a vote" value={String(figures.n_detections)} />
        <Figure name="Votes" value={String(figures.n_votes)} />
        <Figure name="Fleiss κ" value={shown(figures.fleiss_kappa)} />
        <Figure name="Krippendorff α" value={shown(figures.krippendorff_alpha)} />
      </dl>
      <p className="label max-w-3xl">
        1 is full agreement, 0 what chance alone would give, less than 0 is worse than chance. Only detections that at
        least two people judged can agree; – where there are too few. With few such detections the figures say little.
      </p>
      <Table
        title="Pairs of reviewers"
        note="Cohen's κ over what both judged; unsure is a verdict like the others."
        head={["First", "Second", "#Both judged", "#Cohen κ"]}
        rows={figures.pairs.map((pair) => [...pair.logins, pair.n_both, shown(pair.cohen_kappa)])}
        empty="No two people have judged the same detection yet."
      />
      <ConfusionTable
        title="Reviewers against what was known before"
        note="Candidates with a known answer, mixed into the queue: the fairest measure of how often each is right."
        rows={figures.against_seeds}
        empty="No candidate with a known answer was judged yet."
      />
      <ConfusionTable
        title="Reviewers against what became final"
        note="The final verdict is made of the votes themselves, so everybody looks better here than they are."
        rows={figures.against_final}
        empty="No verdict is final yet."
      />
      <CompletenessTable rows={figures.completeness} />
    </>
  );
}

const CASES = ["real/real", "real/bogus", "bogus/bogus", "bogus/real"];

function ConfusionTable({ rows, ...texts }: { title: string; note: string; rows: Confusion[]; empty: string }) {
  return (
    <Table
      {...texts}
      head={[
        "Reviewer",
        ...CASES.map((one) => `#${one.replace("/", " called ")}`),
        "#unsure",
        "#Real ones found (95 % interval)",
      ]}
      rows={rows.map((one) => [
        one.login,
        ...CASES.map((name) => one.counts[name] ?? 0),
        (one.counts["real/unsure"] ?? 0) + (one.counts["bogus/unsure"] ?? 0),
        one.completeness === null
          ? "–"
          : `${percent(one.completeness)} % (${percent(one.completeness_low)} to ${percent(one.completeness_high)} %)`,
      ])}
    />
  );
}

function CompletenessTable({ rows }: { rows: Completeness[] }) {
  const bins = rows[0]?.bins ?? [];
  return (
    <Table
      title="Injected sources that reviewers called real"
      note="By predicted signal to noise, with 95 % intervals: sources of known flux that the night itself put into its exposures. What search and network lost before is not in it."
      head={[
        "Reviewer",
        ...bins.map((one) => (one.high === null ? `#S/N above ${one.low}` : `#${one.low} to ${one.high}`)),
      ]}
      rows={rows.map((one) => [
        one.login,
        ...one.bins.map((bin) =>
          bin.n_shown === 0
            ? "–"
            : `${bin.n_called_real} of ${bin.n_shown} (${percent(bin.fraction_low)} to ${percent(bin.fraction_high)} %)`,
        ),
      ])}
      empty="No injected source was judged yet."
    />
  );
}

function percent(part: number | null): string {
  return shown(part === null ? null : 100 * part, 0);
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div className="box p-3">
      <dt className="label">{name}</dt>
      <dd className="text-xl font-semibold">{value}</dd>
    </div>
  );
}
