/** A table with its name, which scrolls by itself where it is wider than the page. */

interface Props {
  title: string;
  /** What a column is; one that starts with # holds numbers. */
  head: readonly string[];
  rows: readonly React.ReactNode[][];
  note?: string;
  /** What to say where there is no row. */
  empty?: string;
}

export function Table({ title, head, rows, note, empty = "None yet." }: Props) {
  const side = (column: number) => (head[column]?.startsWith("#") ? "text-right tabular-nums" : "");
  return (
    <section className="box overflow-x-auto p-2" tabIndex={0} aria-label={title}>
      <h2 className="text-sm font-semibold">{title}</h2>
      {note && <p className="label max-w-3xl">{note}</p>}
      {rows.length === 0 ? (
        <p className="py-2">{empty}</p>
      ) : (
        <table className="mt-1 text-sm max-sm:w-full">
          <thead>
            <tr>
              {head.map((name, i) => (
                <th key={name} scope="col" className={`pr-5 align-bottom ${side(i)}`}>
                  {name.replace(/^#/, "")}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, i) => (
              <tr key={i} className="border-t border-line">
                {row.map((cell, j) => (
                  <td key={j} className={`py-1 pr-5 align-top whitespace-nowrap ${side(j)}`}>
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
