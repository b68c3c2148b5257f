/** What went wrong, said at once, also to those who listen; nothing where nothing did. */

export function Trouble({ children, before = "" }: { children: string | null; before?: string }) {
  if (children === null) return null;
  return (
    <p role="alert" className="box p-3 text-bogus">
      {before}
      {children}
    </p>
  );
}
