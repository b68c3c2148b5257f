/** The key that does what its button does, for those who see it. */

import { keyName } from "../lib/keymap";

export function Cap({ children }: { children: string }) {
  return (
    <span aria-hidden="true" className="cap">
      {keyName(children)}
    </span>
  );
}
