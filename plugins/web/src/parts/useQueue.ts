/** The queue of this reviewer, filled from the server as it runs low. Shared by the single view and the grid. */

import { useCallback, useEffect, useRef, useState } from "react";

import { post, sayError, type Page } from "../api/client";
import { stampsOf } from "../api/pixels";
import type { Detection, VerdictWord } from "../api/types";
import type { Letter } from "../lib/outbox";
import { apiFilters, type Place } from "../lib/place";
import * as q from "../lib/queue";
import { newId } from "../lib/uuid";

export interface Said {
  verdict: VerdictWord;
  reason: string;
  comment: string;
  confidence: number | null;
  seconds: number | null;
}

export interface QueueState {
  queue: q.Queue<Detection>;
  isLoading: boolean;
  /** The server has no more for now. */
  isDry: boolean;
  error: string | null;
  judge: (item: Detection, said: Said) => void;
  judgeMany: (items: Detection[], said: Said) => void;
  undo: () => q.Judged<Detection> | undefined;
  skip: (item: Detection) => void;
  snooze: (item: Detection) => void;
  move: (by: number) => void;
  claim: (n: number) => void;
  /** The server would not have it. */
  refused: (letter: Letter) => void;
}

const CLAIM = 12;
const PREFETCHED = 4;
const ASK_AGAIN_MS = 20_000;
const SNOOZE_MS = 3600 * 1000;

export function useQueue(place: Place, send: (letter: Letter) => void, isOn: boolean): QueueState {
  const [queue, setQueue] = useState<q.Queue<Detection>>(q.emptyQueue);
  const [isDry, setIsDry] = useState(false);
  const [isLoading, setIsLoading] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const asking = useRef<string | null>(null);
  const latest = useRef(queue);
  latest.current = queue;
  const question = JSON.stringify([place.order, place.blind, place.filters]);
  const put = useCallback((change: (queue: q.Queue<Detection>) => q.Queue<Detection>) => {
    // Two keys within one frame must see each other's effect.
    latest.current = change(latest.current);
    setQueue(latest.current);
  }, []);

  const claim = useCallback(
    (n: number) => {
      if (asking.current === question) return;
      asking.current = question;
      setIsLoading(true);
      const body = { order: place.order, blind: place.blind, n, filters: apiFilters(place.filters) };
      post<Page<Detection>>("queue/claim", body)
        .then((page) => {
          if (asking.current !== question) return;
          const before = latest.current.items.length;
          put((one) => q.add(one, page.items));
          setIsDry(latest.current.items.length === before);
          setError(null);
        })
        .catch((reason: unknown) => {
          if (asking.current !== question) return;
          setError(sayError(reason));
          setIsDry(true);
        })
        .finally(() => {
          if (asking.current !== question) return;
          asking.current = null;
          setIsLoading(false);
        });
    },
    // The question says all that is read of the place.
    [question, put],
  );

  useEffect(() => {
    if (!isOn) return;
    // Another question: what was claimed for the last one is given back, but what was judged can still be taken back.
    const held = latest.current.items;
    asking.current = null;
    put((one) => ({ ...one, items: [], at: 0 }));
    setIsDry(false);
    for (const item of held) void post(`queue/${encodeURIComponent(item.id)}/release`, {}).catch(() => undefined);
  }, [question, isOn, put]);

  useEffect(() => {
    if (isOn && !isDry && q.isLow(queue)) claim(CLAIM);
  }, [isOn, isDry, queue, claim]);

  useEffect(() => {
    if (!isDry) return;
    const timer = setTimeout(() => setIsDry(false), ASK_AGAIN_MS);
    return () => clearTimeout(timer);
  }, [isDry]);

  useEffect(() => {
    for (const item of q.ahead(queue, PREFETCHED)) stampsOf(item.id).catch(() => undefined);
  }, [queue]);

  const leave = (item: Detection, how: "skip" | "snooze", body: unknown) => {
    send({ event: newId(), path: `queue/${encodeURIComponent(item.id)}/${how}`, body });
    put((one) => q.drop(one, [item.id]));
  };

  return {
    queue,
    isLoading,
    isDry,
    error,
    claim,
    judge: (item, said) => {
      const event = newId();
      send({ event, path: "verdicts", body: { id: event, detection: item.id, blind: place.blind, ...said } });
      put((one) => q.judge(one, { items: [item], event, isBatch: false, verdict: said.verdict, atMs: Date.now() }));
    },
    judgeMany: (items, said) => {
      const event = newId();
      const verdicts = items.map((item) => ({ id: newId(), detection: item.id, blind: place.blind, ...said }));
      send({ event, path: "verdicts/batch", body: { batch: event, verdicts } });
      put((one) => q.judge(one, { items, event, isBatch: true, verdict: said.verdict, atMs: Date.now() }));
    },
    undo: () => {
      const { act } = q.undo(latest.current);
      if (act === undefined) return undefined;
      const path = act.isBatch ? `verdicts/batch/${act.event}/withdraw` : `verdicts/${act.event}/withdraw`;
      const id = newId();
      send({ event: id, path, body: { id } });
      put((one) => q.undo(one).queue);
      return act;
    },
    skip: (item) => leave(item, "skip", {}),
    snooze: (item) => leave(item, "snooze", { until: new Date(Date.now() + SNOOZE_MS).toISOString() }),
    move: (by) => put((one) => q.move(one, by)),
    refused: (letter) => put((one) => q.refuse(one, letter.event)),
  };
}
