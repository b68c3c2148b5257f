/** One detection by its address, for whoever was sent a link. */

import { useState } from "react";

import type { Detection } from "../api/types";
import { Around } from "../parts/Around";
import { Heading } from "../parts/Heading";
import { useKeys, usePage } from "../parts/page";
import { Pictures } from "../parts/Pictures";
import { changed } from "../parts/Toolbar";
import { Trouble } from "../parts/Trouble";
import { useGet } from "../parts/useGet";

export function Candidate() {
  const { place, keys, keysOn, display, setDisplay } = usePage();
  const { data, error } = useGet<Detection>(place.id === "" ? null : `detections/${encodeURIComponent(place.id)}`);
  const [showsProvenance, setShowsProvenance] = useState(true);
  useKeys(keys, keysOn, (action) => {
    const next = changed(display, action);
    if (next === null) return false;
    setDisplay(() => next);
    return true;
  });
  if (error) return <Trouble>{error}</Trouble>;
  if (data === null) return <p className="p-6">Fetching the detection…</p>;
  return (
    <div className="space-y-3">
      <Heading item={data} blind={place.blind} />
      <Pictures id={data.id} />
      <Around
        detection={data}
        blind={place.blind}
        showsProvenance={showsProvenance}
        onProvenance={setShowsProvenance}
      />
    </div>
  );
}
