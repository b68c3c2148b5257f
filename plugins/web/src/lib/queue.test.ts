import { expect, test } from "vitest";

import {
  add,
  ahead,
  current,
  drop,
  emptyQueue,
  isLow,
  judge,
  move,
  paceOf,
  refuse,
  renewed,
  undo,
  type Judged,
  type Leased,
  type Waiting,
} from "./queue";

const items = (...ids: string[]): Waiting[] => ids.map((id) => ({ id }));
const act = (event: string, ...ids: string[]): Judged<Waiting> => ({
  items: items(...ids),
  event,
  isBatch: ids.length > 1,
  verdict: "real",
  atMs: 0,
});
const ids = (queue: { items: Waiting[] }) => queue.items.map((item) => item.id);

test("a verdict shows the next one", () => {
  const queue = judge(add(emptyQueue(), items("a", "b", "c")), act("1", "a"));
  expect(current(queue)?.id).toBe("b");
  expect(ahead(queue, 5)).toEqual(items("c"));
});

test("an undo shows what it took back, and a second undo the one before", () => {
  let queue = add(emptyQueue<Waiting>(), items("a", "b", "c"));
  queue = judge(judge(queue, act("1", "a")), act("2", "b"));
  const first = undo(queue);
  expect(first.act?.event).toBe("2");
  expect(ids(first.queue)).toEqual(["b", "c"]);
  const second = undo(first.queue);
  expect(ids(second.queue)).toEqual(["a", "b", "c"]);
  expect(current(second.queue)?.id).toBe("a");
  expect(undo(second.queue).act).toBeUndefined();
});

test("a bulk act is taken back as one", () => {
  const queue = judge(add(emptyQueue(), items("a", "b", "c")), act("batch", "a", "c"));
  expect(ids(queue)).toEqual(["b"]);
  const back = undo(queue);
  expect(back.act?.isBatch).toBe(true);
  expect(ids(back.queue)).toEqual(["a", "c", "b"]);
});

test("what was dealt with does not come back with a later claim", () => {
  let queue = add(emptyQueue<Waiting>(), items("a", "b"));
  queue = drop(judge(queue, act("1", "a")), ["b"]);
  expect(ids(add(queue, items("a", "b", "c", "c".repeat(2))))).toEqual(["c", "cc"]);
  expect(ids(add(undo(queue).queue, items("a")))).toEqual(["a"]);
});

test("a verdict that the server refused is shown again and cannot be undone", () => {
  const queue = refuse(judge(add(emptyQueue(), items("a", "b")), act("1", "a")), "1");
  expect(current(queue)?.id).toBe("a");
  expect(queue.judged).toEqual([]);
  expect(refuse(queue, "unknown")).toBe(queue);
});

test("moving stays inside the queue, and judging in the middle keeps the place", () => {
  let queue = move(add(emptyQueue<Waiting>(), items("a", "b", "c")), 1);
  expect(current(move(queue, 9))?.id).toBe("c");
  expect(current(move(queue, -9))?.id).toBe("a");
  queue = judge(queue, act("1", "b"));
  expect(current(queue)?.id).toBe("c");
  queue = judge(queue, act("2", "c"));
  expect(current(queue)?.id).toBe("a");
  expect(current(judge(queue, act("3", "a")))).toBeUndefined();
});

test("more are claimed before the queue is empty", () => {
  expect(isLow(add(emptyQueue(), items("a")), 6)).toBe(true);
  expect(isLow(add(emptyQueue(), items(..."abcdefgh")), 6)).toBe(false);
});

test("leases are renewed, and what ended may come back", () => {
  const queue = renewed(add(emptyQueue<Leased>(), items("a", "b", "c")), new Map([["a", "later"]]), ["b"]);
  expect(queue.items).toEqual([
    { id: "a", claim_until: "later" },
    { id: "c", claim_until: null },
  ]);
  expect(ids(add(queue, items("b")))).toEqual(["a", "c", "b"]);
});

test("the pace is that of the last minutes", () => {
  const every = (seconds: number, n: number) =>
    Array.from({ length: n }, (_, i) => ({ ...act(String(i), String(i)), atMs: i * seconds * 1000 }));
  expect(paceOf(every(10, 31), 300_000)).toEqual({ nJudged: 31, perHour: 360 });
  expect(paceOf(every(10, 3), 30_000)).toEqual({ nJudged: 3, perHour: null });
  expect(paceOf(every(10, 31), 3_600_000).perHour).toBeNull();
});
