/** The frame around the views: who is here, where they are, and what is on its way to the server. */

import { useCallback, useEffect, useMemo, useRef, useState } from "react";

import type { Me, Setup, Summary, Vocabulary } from "./api/types";
import { parseKeymap, type Keymap } from "./lib/keymap";
import type { Letter } from "./lib/outbox";
import { readPlace, writePlace, type Place, type View } from "./lib/place";
import { paceOf } from "./lib/queue";
import { readSetting, writeSetting } from "./lib/settings";
import { Help } from "./parts/Help";
import { may, PageContext, useKeys, usePage, type PageState } from "./parts/page";
import { PLAIN_DISPLAY } from "./parts/Triplet";
import { Trouble } from "./parts/Trouble";
import { useGet } from "./parts/useGet";
import { useOutbox } from "./parts/useOutbox";
import { useQueue, type QueueState } from "./parts/useQueue";
import { Agreement } from "./views/Agreement";
import { Arbitrate } from "./views/Arbitrate";
import { Audit } from "./views/Audit";
import { Candidate } from "./views/Candidate";
import { Grid } from "./views/Grid";
import { List } from "./views/List";
import { Review } from "./views/Review";
import { Sky } from "./views/Sky";
import { Cap } from "./parts/Cap";

const TABS: { view: View; title: string; permission: string }[] = [
  { view: "review", title: "Queue", permission: "read" },
  { view: "grid", title: "Grid", permission: "read" },
  { view: "list", title: "List", permission: "read" },
  { view: "arbitrate", title: "Disputed", permission: "arbitrate" },
  { view: "agreement", title: "Agreement", permission: "read" },
  { view: "sky", title: "Sky", permission: "read" },
  { view: "audit", title: "Log", permission: "audit" },
];
const SUMMARY_EVERY_MS = 30_000;
/** Beside the page, not of the API. */
const SETUP = new URL("page.json", new URL(".", document.baseURI)).href;

export function App() {
  const me = useGet<Me>("me");
  const mayRead = me.data !== null && may(me.data, "read");
  const vocabulary = useGet<Vocabulary>(mayRead ? "vocabulary" : null);
  const error = me.error ?? vocabulary.error;
  if (error) return <Trouble>{error}</Trouble>;
  if (me.data !== null && !mayRead) return <NoRole login={me.data.login} />;
  if (me.data === null || vocabulary.data === null) return <p className="p-6">Loading…</p>;
  return <Frame key={me.data.login} me={me.data} vocabulary={vocabulary.data} />;
}

function NoRole({ login }: { login: string }) {
  return (
    <main className="m-6 box p-6">
      <h1 className="text-lg font-semibold">You have no role here yet</h1>
      <p>
        You are known as <strong>{login}</strong>, but nobody has said what you may do. An administrator can, for
        example with <code>astrid access grant {login} --role reviewer</code>.
      </p>
    </main>
  );
}

function usePlace(): [Place, (change: Partial<Place>) => void] {
  const [place, setPlace] = useState(() => readPlace(location.hash));
  useEffect(() => {
    const read = () => setPlace(readPlace(location.hash));
    addEventListener("hashchange", read);
    return () => removeEventListener("hashchange", read);
  }, []);
  const go = useCallback((change: Partial<Place>) => {
    location.hash = writePlace({ ...readPlace(location.hash), ...change });
  }, []);
  return [place, go];
}

function Frame({ me, vocabulary }: { me: Me; vocabulary: Vocabulary }) {
  const [place, go] = usePlace();
  const [keys, setKeys] = useState<Keymap>(() => parseKeymap(readSetting("keys")));
  const [keysOn, setKeysOn] = useState(() => readSetting("keys.off") === null);
  const [display, setDisplay] = useState(PLAIN_DISPLAY);
  const [word, setWord] = useState({ text: "", isError: false, n: 0 });
  const [refusals, setRefusals] = useState(0);
  const [showsHelp, setShowsHelp] = useState(false);
  const survey = useGet<Setup>(SETUP).data?.survey ?? null;
  const queue = useRef<QueueState | null>(null);

  const say = useCallback(
    (text: string, isError = false) => setWord((before) => ({ text, isError, n: before.n + 1 })),
    [],
  );
  const { send, unsent } = useOutbox(me.login, (letter: Letter, why: string) => {
    queue.current?.refused(letter);
    setRefusals((n) => n + 1);
    say(`Not recorded: ${why}`, true);
  });
  const claims = (place.view === "review" || place.view === "grid") && may(me, "judge");
  const state = useQueue(place, send, claims);
  queue.current = state;
  useKeys(keys, true, (action) => {
    if (action === "help") setShowsHelp(true);
    return action === "help";
  });

  const page = useMemo<PageState>(
    () => ({ me, vocabulary, survey, place, go, keys, keysOn, display, setDisplay, say, send }),
    [me, vocabulary, survey, place, go, keys, keysOn, display, say, send],
  );
  return (
    <PageContext value={page}>
      <div className="mx-auto max-w-[110rem] space-y-3 p-3 max-sm:pb-32">
        <header className="flex flex-wrap items-center gap-x-4 gap-y-2">
          <h1 className="text-lg font-semibold max-sm:sr-only">Curation</h1>
          <Tabs />
          <div className="ml-auto flex flex-wrap items-center gap-3 text-sm">
            <Progress state={state} />
            <Unsent n={unsent.n} isStuck={unsent.isStuck} />
            <span className="text-soft">{me.login}</span>
            <button type="button" className="button" onClick={() => setShowsHelp(true)}>
              Keys <Cap>{keys.help}</Cap>
            </button>
          </div>
        </header>
        <main>
          {place.view === "review" && <Review state={state} />}
          {place.view === "grid" && <Grid state={state} />}
          {place.view === "list" && <List />}
          {place.view === "arbitrate" && <Arbitrate refusals={refusals} />}
          {place.view === "agreement" && <Agreement />}
          {place.view === "sky" && <Sky />}
          {place.view === "audit" && <Audit />}
          {place.view === "candidate" && <Candidate />}
        </main>
        <div
          aria-live="polite"
          role="status"
          className={`fixed top-2 left-1/2 z-30 -translate-x-1/2 ${word.text ? "" : "sr-only"}`}
        >
          {word.text && (
            <Toast
              key={word.n}
              text={word.text}
              isError={word.isError}
              onGone={() => setWord((now) => ({ ...now, text: "" }))}
            />
          )}
        </div>
      </div>
      {showsHelp && (
        <Help
          keys={keys}
          enabled={keysOn}
          onKeys={(changed) => {
            setKeys(changed);
            writeSetting("keys", JSON.stringify(changed));
          }}
          onEnabled={(on) => {
            setKeysOn(on);
            writeSetting("keys.off", on ? null : "1");
          }}
          onClose={() => setShowsHelp(false)}
        />
      )}
    </PageContext>
  );
}

function Tabs() {
  const { me, place } = usePage();
  return (
    <nav aria-label="Views" className="flex flex-wrap gap-1">
      {TABS.filter((tab) => may(me, tab.permission)).map(({ view, title }) => (
        <a
          key={view}
          href={writePlace({ ...place, view, id: "" })}
          aria-current={place.view === view ? "page" : undefined}
          className="shrink-0 rounded-md px-2.5 py-1 hover:bg-mark aria-[current=page]:bg-accent aria-[current=page]:text-on-accent"
        >
          {title}
        </a>
      ))}
    </nav>
  );
}

/** How many waited when last asked, how many were judged here, and how fast. */
function Progress({ state }: { state: QueueState }) {
  const { me } = usePage();
  const [now, setNow] = useState(Date.now);
  const nActs = state.queue.judged.length;
  useEffect(() => {
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), SUMMARY_EVERY_MS);
    return () => clearInterval(timer);
  }, [nActs]);
  const summary = useGet<Summary>(may(me, "read") ? "queue/summary" : null, {}, Math.floor(now / SUMMARY_EVERY_MS));
  const pace = paceOf(state.queue.judged, now);
  return (
    <span data-testid="pace">
      <strong>{pace.nJudged}</strong> judged{pace.perHour !== null && `, ${pace.perHour} an hour`}
      {summary.data && (
        <span className="text-soft">
          {" "}
          · {summary.data.n_by_state.open ?? 0} waiting, {summary.data.n_by_state.disputed ?? 0} disputed
        </span>
      )}
    </span>
  );
}

function Unsent({ n, isStuck }: { n: number; isStuck: boolean }) {
  if (n === 0) return null;
  return (
    <span role="status" className={isStuck ? "text-bogus" : "text-soft"}>
      {isStuck ? `Server not reached: ${n} kept here, sent when it answers` : `sending ${n}`}
    </span>
  );
}

const TOAST_MS = 2500;

function Toast({ text, isError, onGone }: { text: string; isError: boolean; onGone: () => void }) {
  useEffect(() => {
    if (isError) return;
    const timer = setTimeout(onGone, TOAST_MS);
    return () => clearTimeout(timer);
  });
  return (
    <p className={`box flex items-center gap-3 px-3 py-1.5 shadow-lg ${isError ? "border-bogus text-bogus" : ""}`}>
      {text}
      {isError && (
        <button type="button" className="button" onClick={onGone}>
          Understood
        </button>
      )}
    </p>
  );
}
