/** The log of what was done and what was read, newest first as the server gives it. */

import { useEffect, useState } from "react";

import { get, sayError, type Page } from "../api/client";
import type { AuditRow } from "../api/types";
import { Table } from "./Agreement";

export function Audit() {
  const [rows, setRows] = useState<AuditRow[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const [error, setError] = useState<string | null>(null);
  const more = (after: string | null) =>
    get<Page<AuditRow>>("audit", { after }).then(
      (page) => {
        setRows((before) => (after === null ? page.items : [...before, ...page.items]));
        setNext(page.next);
      },
      (reason: unknown) => setError(sayError(reason)),
    );
  useEffect(() => {
    void more(null);
  }, []);
  return (
    <div className="space-y-3">
      {error && (
        <p role="alert" className="text-bogus">
          {error}
        </p>
      )}
      <Table
        title="Log"
        head={["#", "When (UTC)", "What", "To what", "Who", "Facts"]}
        rows={rows.map((row) => [
          row.sequence,
          <span key="at" className="whitespace-nowrap">
            {row.at.slice(0, 19).replace("T", " ")}
          </span>,
          row.name,
          <code key="subject" className="text-xs break-all">
            {row.subject}
          </code>,
          row.actor,
          <code key="facts" className="text-xs break-all">
            {JSON.stringify(row.facts)}
          </code>,
        ])}
      />
      {next !== null && (
        <button type="button" className="button" onClick={() => void more(next)}>
          More
        </button>
      )}
    </div>
  );
}
