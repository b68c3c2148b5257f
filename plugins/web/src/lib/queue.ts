/** The queue of one reviewer: what waits, what was judged, and how to take a verdict back. Pure. */

export interface Waiting {
  id: string;
}

export interface Leased extends Waiting {
  claim_until?: string | null;
}

export interface Judged<T extends Waiting> {
  /** One verdict, or all of one bulk act: they are taken back as one. */
  items: T[];
  /** Of the verdict event, or of the batch. */
  event: string;
  isBatch: boolean;
  verdict: string;
  atMs: number;
}

export interface Queue<T extends Waiting> {
  items: T[];
  /** Of the one that is shown. */
  at: number;
  judged: Judged<T>[];
  /** Ids that must not come back: judged, skipped or snoozed here. */
  gone: ReadonlySet<string>;
}

export function emptyQueue<T extends Waiting>(): Queue<T> {
  return { items: [], at: 0, judged: [], gone: new Set() };
}

export function current<T extends Waiting>(queue: Queue<T>): T | undefined {
  return queue.items[queue.at];
}

/** The next ones after the current: their pixels are fetched before they are asked for. */
export function ahead<T extends Waiting>(queue: Queue<T>, n: number): T[] {
  return queue.items.slice(queue.at + 1, queue.at + 1 + n);
}

/** Whether fewer than this many are at hand from here on, so that more should be claimed. */
export function isLow<T extends Waiting>(queue: Queue<T>, least: number): boolean {
  return queue.items.length - queue.at < least;
}

/** Add claimed ones at the end; those that are there or were dealt with are left out. */
export function add<T extends Waiting>(queue: Queue<T>, items: readonly T[]): Queue<T> {
  const known = new Set(queue.items.map((item) => item.id));
  const fresh = items.filter((item) => !known.has(item.id) && !queue.gone.has(item.id));
  return { ...queue, items: [...queue.items, ...fresh] };
}

export function move<T extends Waiting>(queue: Queue<T>, by: number): Queue<T> {
  const at = Math.min(Math.max(queue.at + by, 0), Math.max(queue.items.length - 1, 0));
  return { ...queue, at };
}

/** Take these out for good, as a skip does. */
export function drop<T extends Waiting>(queue: Queue<T>, ids: readonly string[]): Queue<T> {
  const out = new Set(ids);
  const before = queue.items.slice(0, queue.at).filter((item) => out.has(item.id)).length;
  const items = queue.items.filter((item) => !out.has(item.id));
  const at = Math.min(queue.at - before, Math.max(items.length - 1, 0));
  return { ...queue, items, at, gone: new Set([...queue.gone, ...ids]) };
}

/** The queue with later ends of some leases, and without those that ended; these may come back. */
export function renewed<T extends Leased>(
  queue: Queue<T>,
  until: ReadonlyMap<string, string>,
  ended: readonly string[],
): Queue<T> {
  const left = drop(queue, ended);
  const items = left.items.map((item) => ({ ...item, claim_until: until.get(item.id) ?? item.claim_until ?? null }));
  return { ...left, items, gone: queue.gone };
}

/** Judge one or, as one act, several; the next one becomes the current. */
export function judge<T extends Waiting>(queue: Queue<T>, act: Judged<T>): Queue<T> {
  const left = drop(
    queue,
    act.items.map((item) => item.id),
  );
  return { ...left, judged: [...queue.judged, act] };
}

/** Take the last act back: what it judged is shown again, first. */
export function undo<T extends Waiting>(queue: Queue<T>): { queue: Queue<T>; act: Judged<T> | undefined } {
  const act = queue.judged.at(-1);
  if (act === undefined) return { queue, act: undefined };
  return { queue: { ...putBack(queue, act.items), judged: queue.judged.slice(0, -1) }, act };
}

/** Show these again, first; for a verdict that was taken back, or that the server refused. */
export function putBack<T extends Waiting>(queue: Queue<T>, items: readonly T[]): Queue<T> {
  const back = new Set(items.map((item) => item.id));
  const others = queue.items.filter((item) => !back.has(item.id));
  const at = Math.min(queue.at, others.length);
  return {
    ...queue,
    items: [...others.slice(0, at), ...items, ...others.slice(at)],
    at,
    gone: new Set([...queue.gone].filter((id) => !back.has(id))),
  };
}

/** Forget an act that the server refused; it is not there to be taken back. */
export function refuse<T extends Waiting>(queue: Queue<T>, event: string): Queue<T> {
  const act = queue.judged.find((one) => one.event === event);
  if (act === undefined) return queue;
  return { ...putBack(queue, act.items), judged: queue.judged.filter((one) => one !== act) };
}

export interface Pace {
  nJudged: number;
  /** Over the last ten minutes at most; null before there is enough to tell. */
  perHour: number | null;
}

const PACE_WINDOW_MS = 10 * 60 * 1000;
const PACE_MIN_VERDICTS = 5;

/** How many were judged, and how fast lately. */
export function paceOf<T extends Waiting>(judged: readonly Judged<T>[], nowMs: number): Pace {
  const nJudged = judged.reduce((sum, act) => sum + act.items.length, 0);
  const recent = judged.filter((act) => nowMs - act.atMs <= PACE_WINDOW_MS);
  const nRecent = recent.reduce((sum, act) => sum + act.items.length, 0);
  const first = recent[0];
  if (first === undefined || nRecent < PACE_MIN_VERDICTS) return { nJudged, perHour: null };
  const spent = Math.max(nowMs - first.atMs, 1000);
  // The first verdict starts the clock, so what it took to reach it is not in the time.
  return { nJudged, perHour: Math.round(((nRecent - first.items.length) * 3600 * 1000) / spent) };
}
