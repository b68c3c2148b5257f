import { useEffect, useState } from "react";

import { get, sayError, type Asked } from "../api/client";

export interface Got<T> {
  data: T | null;
  error: string | null;
}

/** What the API answers to this; null path asks nothing. An answer to an earlier question is never shown for a later. */
export function useGet<T>(path: string | null, asked: Asked = {}, again = 0): Got<T> {
  const key = path === null ? "" : `${path}?${JSON.stringify(asked)}`;
  const [state, setState] = useState<Got<T> & { key: string }>({ key: "", data: null, error: null });
  useEffect(() => {
    if (path === null) return;
    const abort = new AbortController();
    get<T>(path, asked, abort.signal).then(
      (data) => setState({ key, data, error: null }),
      (error: unknown) => {
        if (!abort.signal.aborted) setState({ key, data: null, error: sayError(error) });
      },
    );
    return () => abort.abort();
    // The key says all that path and asked say.
  }, [key, again]);
  return state.key === key ? state : { data: null, error: null };
}
