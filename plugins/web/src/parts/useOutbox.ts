import { useEffect, useMemo, useRef, useState } from "react";

import { ApiError, isPassing, post, sayError } from "../api/client";
import { Outbox, type Answer, type Letter } from "../lib/outbox";
import { readSetting, settingNames, writeSetting } from "../lib/settings";
import { newId } from "../lib/uuid";

async function send(letter: Letter): Promise<Answer> {
  try {
    await post(letter.path, letter.body);
    return { kind: "taken" };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    // Somebody whose session ended logs in again; the verdict waits for them.
    if (isPassing(error.problem) || error.problem.status === 401) return { kind: "later", afterS: error.retryAfterS };
    return { kind: "refused", why: sayError(error) };
  }
}

/** What earlier tabs of the same person left unsent; each tab keeps its own, and sending twice is harmless. */
function leftBehind(prefix: string): string | null {
  const names = settingNames(prefix);
  const all = names.flatMap((name) => {
    try {
      const read: unknown = JSON.parse(readSetting(name) ?? "[]");
      return Array.isArray(read) ? read : [];
    } catch {
      return [];
    }
  });
  for (const name of names) writeSetting(name, null);
  return JSON.stringify(all);
}

export function useOutbox(login: string, onRefused: (letter: Letter, why: string) => void) {
  const [unsent, setUnsent] = useState({ n: 0, isStuck: false });
  const refused = useRef(onRefused);
  refused.current = onRefused;
  const box = useMemo(() => {
    const prefix = `outbox.${login}.`;
    const left = leftBehind(prefix);
    const mine = prefix + newId();
    return new Outbox(
      send,
      { read: () => left, write: (text) => writeSetting(mine, text === "[]" ? null : text) },
      {
        onCount: (n, isStuck) => setUnsent({ n, isStuck }),
        onRefused: (letter, why) => refused.current(letter, why),
      },
      (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000)),
    );
  }, [login]);
  useEffect(() => {
    void box.flush();
  }, [box]);
  return { send: (letter: Letter) => box.post(letter), unsent };
}
