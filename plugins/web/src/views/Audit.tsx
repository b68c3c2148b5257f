/** The log of what was done and what was read, newest first as the server gives it. */

import { useEffect, useState } from "react";

import { get, sayError, type Page } from "../api/client";
import type { AuditRow } from "../api/types";
import { shortened, told } from "../lib/log";
import { Trouble } from "../parts/Trouble";

const QUESTIONS = { name: "What", actor: "Who", subject: "To what" } as const;
const HINTS = { name: "verdict.recorded", actor: "a login", subject: "its whole name" };
type Question = keyof typeof QUESTIONS;

export function Audit() {
  const [asked, setAsked] = useState<Partial<Record<Question, string>>>({});
  const [rows, setRows] = useState<AuditRow[] | null>(null);
  const [next, setNext] = useState<string | null>(null);
  const [error, setError] = useState<string | null>(null);
  const more = (after: string | null, signal?: AbortSignal) =>
    get<Page<AuditRow>>("audit", { ...asked, after }, signal).then(
      (page) => {
        setRows((before) => (after === null ? page.items : [...(before ?? []), ...page.items]));
        setNext(page.next);
        setError(null);
      },
      (reason: unknown) => signal?.aborted || setError(sayError(reason)),
    );
  useEffect(() => {
    const abort = new AbortController();
    void more(null, abort.signal);
    return () => abort.abort();
  }, [asked]);
  return (
    <div className="space-y-3">
      <div className="flex flex-wrap gap-3">
        {(Object.keys(QUESTIONS) as Question[]).map((name) => (
          <label key={name} className="flex items-center gap-2">
            <span className="label">{QUESTIONS[name]}</span>
            <input
              className="field w-44"
              placeholder={HINTS[name]}
              onBlur={(event) => {
                const value = event.target.value.trim();
                if (value !== (asked[name] ?? "")) setAsked({ ...asked, [name]: value });
              }}
              onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()}
            />
          </label>
        ))}
      </div>
      <Trouble>{error}</Trouble>
      {rows === null && error === null && <p className="p-6">Fetching the log…</p>}
      {rows?.length === 0 && <p className="box p-6 text-center">Nothing of that kind is in the log.</p>}
      {rows !== null && rows.length > 0 && (
        <ol className="box divide-y divide-line" aria-label="Log, newest first">
          {rows.map((row) => (
            <Entry key={row.sequence} row={row} />
          ))}
        </ol>
      )}
      {next !== null && (
        <button type="button" className="button" onClick={() => void more(next)}>
          More
        </button>
      )}
    </div>
  );
}

function Entry({ row }: { row: AuditRow }) {
  const { change, facts, as } = told(row);
  return (
    <li className="grid gap-x-4 px-2 py-1.5 text-sm lg:grid-cols-[11rem_15rem_minmax(0,1fr)]">
      <div className="text-soft">
        <div className="whitespace-nowrap">{row.at.slice(0, 19).replace("T", " ")} UTC</div>
        <div className="text-xs">#{row.sequence}</div>
      </div>
      <div className="min-w-0 break-words">
        <span className="font-semibold">{row.actor}</span> {as && <span className="label">{as}</span>}
        <div>{row.name}</div>
      </div>
      <div className="min-w-0 break-words">
        <code className="text-xs" title={row.subject}>
          {shortened(row.subject)}
        </code>
        {change !== null && <span className="font-semibold"> {change}</span>}
        {facts.length > 0 && (
          <div className="text-xs">
            {facts.map(([name, words], i) => (
              <span key={name}>
                {i > 0 && " · "}
                <span className="text-soft">{name}</span> {words}
              </span>
            ))}
          </div>
        )}
        <details>
          <summary className="label">All of it</summary>
          <pre className="text-xs break-all whitespace-pre-wrap">{JSON.stringify(row, null, 1)}</pre>
        </details>
      </div>
    </li>
  );
}
