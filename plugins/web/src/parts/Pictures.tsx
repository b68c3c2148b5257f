/** The pictures of a detection with the buttons that change how they look. */

import { usePage } from "./page";
import { Toolbar } from "./Toolbar";
import { Triplet } from "./Triplet";

export function Pictures({ id, onPainted }: { id: string; onPainted?: (id: string) => void }) {
  const { display } = usePage();
  return (
    <div className="flex flex-col gap-2 sm:flex-col-reverse">
      <Triplet id={id} display={display} {...(onPainted ? { onPainted } : {})} />
      <Toolbar />
    </div>
  );
}
