import { expect, test } from "vitest";

import type { AuditRow } from "../api/types";
import { inWords, shortened, told } from "./log";

const ROW: AuditRow = {
  sequence: 1,
  name: "verdict.recorded",
  subject: "detect-5ab8db839416c0cf0f0c1dd106f1eeb5:15",
  actor: "ana",
  at: "2026-01-02T03:04:05Z",
  digest: "",
  facts: {
    before: "open",
    after: null,
    verdict: "real",
    curator: "ana",
    reason: "",
    batch: null,
    by: { roles: ["reviewer"], via: "airflow", request: "x" },
  },
};

test("an event says what changed, what was said and in which role", () => {
  expect(told(ROW)).toEqual({ change: "open → nothing", facts: [["verdict", "real"]], as: "reviewer · by airflow" });
  expect(told({ ...ROW, facts: { before: "open", after: "open", n_files: 2 } })).toEqual({
    change: "open, as before",
    facts: [["n files", "2"]],
    as: "",
  });
});

test("digests and identities are cut short, words are not", () => {
  expect(shortened(ROW.subject)).toBe("detect-5ab8db83…:15");
  expect(shortened("6e0747b3-9d4a-4c1f-8b2e-0123456789ab")).toBe("6e0747b3…");
  expect(shortened("demo:2024-01-20/a.fits")).toBe("demo:2024-01-20/a.fits");
});

test("times are told to the second", () => {
  expect(inWords("2026-11-27T13:11:41.408945+00:00")).toBe("2026-11-27 13:11:41 UTC");
});

test("long lists are counted, short ones named", () => {
  expect(inWords(["admin", "reviewer"])).toBe("admin, reviewer");
  expect(inWords([1, 2, 3, 4])).toBe("4");
  expect(inWords([])).toBe("none");
  expect(inWords({ kind: "moving", min_score: 0.5 })).toBe("kind moving, min score 0.5");
});
