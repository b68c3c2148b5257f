/** How far reviewers agree with one another, with what became final, and with what was known. */

import type { Agreement as Figures, Completeness, Confusion } from "../api/types";
import { shown } from "../lib/sky";
import { usePage } from "../parts/page";
import { useGet } from "../parts/useGet";

export function Agreement() {
  const { place, go } = usePage();
  const { data, error } = useGet<Figures>("agreement", { night: place.filters.night });
  return (
    <div className="space-y-3">
      <label className="flex items-center gap-2">
        <span className="label">Night</span>
        <input
          className="field w-40"
          key={place.filters.night ?? ""}
          placeholder="all nights"
          defaultValue={place.filters.night ?? ""}
          onBlur={(event) => go({ filters: event.target.value ? { night: event.target.value } : {} })}
        />
      </label>
      {error && (
        <p role="alert" className="text-bogus">
          {error}
        </p>
      )}
      {data !== null && <AgreementTables figures={data} />}
    </div>
  );
}

function AgreementTables({ figures }: { figures: Figures }) {
  return (
    <>
      <dl className="grid grid-cols-2 gap-2 sm:grid-cols-4">
        <Figure name="Detections" value={String(figures.n_detections)} />
        <Figure name="Votes" value={String(figures.n_votes)} />
        <Figure name="Fleiss κ" value={shown(figures.fleiss_kappa)} />
        <Figure name="Krippendorff α" value={shown(figures.krippendorff_alpha)} />
      </dl>
      <Table
        title="Pairs of reviewers"
        head={["First", "Second", "Both judged", "Cohen κ"]}
        rows={figures.pairs.map((pair) => [...pair.logins, String(pair.n_both), shown(pair.cohen_kappa)])}
      />
      <ConfusionTable title="Reviewers against what was known before" rows={figures.against_seeds} />
      <ConfusionTable title="Reviewers against what became final" rows={figures.against_final} />
      <CompletenessTable rows={figures.completeness} />
    </>
  );
}

const CASES = ["real/real", "real/bogus", "bogus/bogus", "bogus/real"];

function ConfusionTable({ title, rows }: { title: string; rows: Confusion[] }) {
  return (
    <Table
      title={title}
      head={["Reviewer", ...CASES.map((one) => one.replace("/", " called ")), "unsure", "Completeness (95 %)"]}
      rows={rows.map((one) => [
        one.login,
        ...CASES.map((name) => one.counts[name] ?? 0),
        (one.counts["real/unsure"] ?? 0) + (one.counts["bogus/unsure"] ?? 0),
        `${shown(one.completeness)} (${shown(one.completeness_low)} to ${shown(one.completeness_high)})`,
      ])}
    />
  );
}

function CompletenessTable({ rows }: { rows: Completeness[] }) {
  const bins = rows[0]?.bins ?? [];
  return (
    <Table
      title="Injected sources that reviewers recognised, by S/N (95 %)"
      head={["Reviewer", ...bins.map((one) => (one.high === null ? `above ${one.low}` : `${one.low} to ${one.high}`))]}
      rows={rows.map((one) => [
        one.login,
        ...one.bins.map((bin) =>
          bin.n_shown === 0
            ? "none shown"
            : `${bin.n_called_real} of ${bin.n_shown} (${shown(bin.fraction_low)} to ${shown(bin.fraction_high)})`,
        ),
      ])}
    />
  );
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div className="box p-3">
      <dt className="label">{name}</dt>
      <dd className="text-xl font-semibold">{value}</dd>
    </div>
  );
}

export function Table({ title, head, rows }: { title: string; head: string[]; rows: React.ReactNode[][] }) {
  return (
    <section className="box overflow-x-auto p-2" tabIndex={0} aria-label={title}>
      <h2 className="text-sm font-semibold">{title}</h2>
      {rows.length === 0 ? (
        <p className="label">None yet.</p>
      ) : (
        <table className="w-full text-sm">
          <thead>
            <tr>
              {head.map((name) => (
                <th key={name} className="pr-3">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, i) => (
              <tr key={i} className="border-t border-line">
                {row.map((cell, j) => (
                  <td key={j} className="py-0.5 pr-3 align-top">
                    {cell}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
