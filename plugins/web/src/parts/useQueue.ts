/** The queue of this reviewer, filled from the server as it runs low. Shared by the single view and the grid. */

import { useCallback, useEffect, useRef, useState } from "react";

import { blinded, claimMore, extendAll, fits, heldClaims, releaseAll } from "../api/claims";
import { sayError } from "../api/client";
import { stampsOf } from "../api/pixels";
import type { Detection, VerdictWord } from "../api/types";
import type { Letter } from "../lib/outbox";
import type { Place } from "../lib/place";
import * as q from "../lib/queue";
import { readSession, writeSession } from "../lib/settings";
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

/** How many at a time, and from how few left on. */
const CLAIM = 12;
const LEAST = 6;
/** The grid shows this many, and claims as many. */
export const GRID = 24;
const AT_HAND = "at-hand";
const PREFETCHED = 4;
const ASK_AGAIN_MS = 20_000;
const SNOOZE_MS = 3600 * 1000;
const CHECK_LEASES_MS = 30_000;
const EXTEND_BEFORE_MS = 240_000;
/** Somebody who has not touched a key for so long has left; what they hold goes to others. */
const AT_WORK_MS = 600_000;
const MOST_KEPT = 50;

export function useQueue(place: Place, send: (letter: Letter) => void, isOn: boolean): QueueState {
  const [least, most] = place.view === "grid" ? [GRID, GRID] : [LEAST, CLAIM];
  const [queue, setQueue] = useState<q.Queue<Detection>>(q.emptyQueue);
  const [isDry, setIsDry] = useState(false);
  const [isLoading, setIsLoading] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const latest = useRef(queue);
  // Read before the first change of the queue is kept in its place.
  const keptOrder = useRef(readSession(AT_HAND));
  const put = useCallback((change: (queue: q.Queue<Detection>) => q.Queue<Detection>) => {
    // Two keys within one frame must see each other's effect.
    latest.current = change(latest.current);
    setQueue(latest.current);
  }, []);

  const question = JSON.stringify([place.order, place.filters, place.blind]);
  const asked = useRef<Place | null>(null);
  const isAsking = useRef(false);
  const ask = useCallback(
    (what: () => Promise<Detection[]>, replaces = false) => {
      isAsking.current = true;
      setIsLoading(true);
      what()
        .then((items) => {
          const before = replaces ? 0 : latest.current.items.length;
          put((one) => q.add(replaces ? { ...one, items: [], at: 0 } : one, items));
          setIsDry(!replaces && latest.current.items.length === before);
          setError(null);
        })
        .catch((reason: unknown) => {
          setError(sayError(reason));
          setIsDry(true);
        })
        .finally(() => {
          isAsking.current = false;
          setIsLoading(false);
        });
    },
    [put],
  );
  const claim = (n: number) => {
    if (!isAsking.current) ask(() => claimMore(place, n));
  };

  useEffect(() => {
    if (!isOn || isAsking.current) return;
    const before = asked.current;
    const isSame =
      before !== null &&
      JSON.stringify([before.order, before.filters]) === JSON.stringify([place.order, place.filters]);
    asked.current = place;
    if (before === null)
      ask(
        async () =>
          inOrder(
            keptOrder.current,
            (await heldClaims(place.blind)).filter((one) => fits(one, place.filters)),
          ),
        true,
      );
    else if (isSame && before.blind !== place.blind) ask(() => blinded(latest.current.items, place.blind), true);
    else if (!isSame) {
      // What was claimed for another question is given back first: nobody is given what they hold already.
      const held = latest.current.items.map((item) => item.id);
      put((one) => ({ ...one, items: [], at: 0 }));
      ask(async () => {
        await releaseAll(held);
        return claimMore(place, most);
      }, true);
    } else if (!isDry && q.isLow(queue, least)) ask(() => claimMore(place, most));
    // The question says all that is read of the place.
  }, [question, isOn, isDry, isLoading, queue, least, most, ask, put]);

  useEffect(() => {
    if (!isDry) return;
    const timer = setTimeout(() => setIsDry(false), ASK_AGAIN_MS);
    return () => clearTimeout(timer);
  }, [isDry]);

  useKeptLeases(isOn, latest, put);

  useEffect(() => {
    if (asked.current !== null) writeSession(AT_HAND, JSON.stringify(queue.items.map((item) => item.id)));
  }, [queue]);

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
      send({ event: id, path, body: {} });
      put((one) => q.undo(one).queue);
      return act;
    },
    skip: (item) => leave(item, "skip", {}),
    snooze: (item) => leave(item, "snooze", { until: new Date(Date.now() + SNOOZE_MS).toISOString() }),
    move: (by) => put((one) => q.move(one, by)),
    refused: (letter) => put((one) => q.refuse(one, letter.event)),
  };
}

/** As they stood in this tab before the page was loaded anew: the server does not keep the order. */
function inOrder(kept: string | null, items: Detection[]): Detection[] {
  let before: unknown = null;
  try {
    before = JSON.parse(kept ?? "[]");
  } catch {
    // Whatever stands there is no order.
  }
  const places = new Map((Array.isArray(before) ? before : []).map((id, place) => [id, place]));
  const placeOf = (item: Detection) => places.get(item.id) ?? places.size;
  return items.sort((one, other) => placeOf(one) - placeOf(other));
}

/** Keep what is at hand while somebody is at work, and let go of what ended meanwhile. */
function useKeptLeases(
  isOn: boolean,
  latest: React.RefObject<q.Queue<Detection>>,
  put: (change: (queue: q.Queue<Detection>) => q.Queue<Detection>) => void,
): void {
  const activeMs = useRef(Date.now());
  useEffect(() => {
    const note = () => {
      activeMs.current = Date.now();
    };
    for (const kind of ["keydown", "pointerdown"]) addEventListener(kind, note);
    const check = async () => {
      const now = Date.now();
      const ends = (item: Detection) => Date.parse(item.claim_until ?? "");
      const held = latest.current.items.filter((item) => ends(item) > now).slice(0, MOST_KEPT);
      const isAtWork = isOn && now - activeMs.current < AT_WORK_MS;
      let until = new Map<string, string>();
      if (isAtWork && held.some((item) => ends(item) - now < EXTEND_BEFORE_MS)) {
        const claims = await extendAll(held.map((item) => item.id)).catch(() => []);
        until = new Map(claims.map((one) => [one.detection_id, one.until]));
      }
      // The one that somebody looks at stays: their verdict counts with or without a lease.
      const ended = latest.current.items.filter(
        (item, i) => i !== latest.current.at && !until.has(item.id) && ends(item) <= now,
      );
      if (ended.length > 0 || until.size > 0)
        put((one) =>
          q.renewed(
            one,
            until,
            ended.map((item) => item.id),
          ),
        );
    };
    const timer = setInterval(() => void check(), CHECK_LEASES_MS);
    return () => {
      clearInterval(timer);
      for (const kind of ["keydown", "pointerdown"]) removeEventListener(kind, note);
    };
  }, [isOn, latest, put]);
}
