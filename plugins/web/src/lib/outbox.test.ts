import { expect, test } from "vitest";

import { Outbox, type Answer, type Letter } from "./outbox";

function office(answers: Answer[], kept: string | null = null) {
  const state = { kept, sent: [] as string[], waits: [] as number[], refused: [] as string[] };
  const box = new Outbox(
    async (letter: Letter) => {
      state.sent.push(letter.event);
      return answers.shift() ?? { kind: "taken" };
    },
    { read: () => state.kept, write: (text) => (state.kept = text) },
    { onCount: () => undefined, onRefused: (letter, why) => state.refused.push(`${letter.event}: ${why}`) },
    async (seconds) => {
      state.waits.push(seconds);
    },
  );
  return { box, state };
}

const letter = (event: string): Letter => ({ event, path: "verdicts", body: { id: event } });

test("letters are sent in order, each once", async () => {
  const { box, state } = office([]);
  box.post(letter("a"));
  box.post(letter("b"));
  await box.flush();
  await new Promise((resolve) => setTimeout(resolve));
  expect(state.sent).toEqual(["a", "b"]);
  expect(box.nUnsent).toBe(0);
});

test("a server that is down is asked again, with longer waits, before anything later is sent", async () => {
  const down: Answer = { kind: "later", afterS: null };
  const { box, state } = office([down, down, { kind: "later", afterS: 7 }]);
  box.post(letter("a"));
  box.post(letter("b"));
  await new Promise((resolve) => setTimeout(resolve));
  expect(state.sent).toEqual(["a", "a", "a", "a", "b"]);
  expect(state.waits).toEqual([0.5, 1, 7]);
});

test("what was not sent is sent after a reload", async () => {
  const { state } = office([{ kind: "later", afterS: null }], JSON.stringify([letter("a")]));
  const again = office([], state.kept);
  expect(again.box.nUnsent).toBe(1);
  await again.box.flush();
  expect(again.state.sent).toEqual(["a"]);
  expect(again.state.kept).toBe("[]");
});

test("a refusal is told and does not hold up the others", async () => {
  const { box, state } = office([{ kind: "refused", why: "you voted" }]);
  box.post(letter("a"));
  box.post(letter("b"));
  await new Promise((resolve) => setTimeout(resolve));
  expect(state.refused).toEqual(["a: you voted"]);
  expect(box.nUnsent).toBe(0);
});

test("broken leftovers are no letters", () => {
  expect(office([], "{").box.nUnsent).toBe(0);
  expect(office([], '[{"path": 3}, null]').box.nUnsent).toBe(0);
});
