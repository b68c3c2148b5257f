"""One night on Airflow, from files to catalog: on a simulated survey, or on somebody's own files."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from astrid_core.cli.night import survey_name
from astrid_core.shared.errors import BadConfiguration
from include.local.client import Airflow, RunFailed
from include.local.environment import our_environment
from include.local.home import LOGIN, REPOSITORY, Home
from include.local.processes import start, started, stop
from include.local.progress import Progress, Say, why_failed
from include.local.supervisor import log_of
from include.local.survey import Survey
from include.local.system import (
    NotStarted,
    begin,
    begin_databases,
    database_of,
    down,
    end_of,
    last_line,
    wait_until_ready,
    what_is_up,
)
from include.local.terminal import tell

_SURVEY = "demo"
_RUN_TIMEOUT_S = 12 * 3600.0
_QUIET_S = 10.0


def run_demo(home: Home, data: Path | None, say: Say) -> int:
    """Search what was not searched yet, print the tables of the nights, and stop what was started."""
    if data is not None and not data.is_dir():
        raise BadConfiguration("not a folder", data=data)
    was_up = what_is_up(home) is not None
    demo = Demo(home=home, data=data, say=say)
    try:
        demo.run()
    finally:
        demo.end_side_work()
        if not was_up:
            down(home)
            say("stopped what was started; to look at the runs in Airflow: make up")
    return 0


def _offer_stars(made: Path, used: Path) -> None:
    """Make the catalog of the simulated sky the one that exposures are tied to, unless there is one."""
    if made.is_dir() and not used.exists():
        scratch = used.with_name(f"{used.name}.{os.getpid()}")
        shutil.copytree(made, scratch)
        scratch.replace(used)


@dataclass(slots=True, kw_only=True)
class Demo:
    """The steps of a demonstration; simulation and training run beside the start of Airflow."""

    home: Home
    data: Path | None
    say: Say
    _side_work: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _times_s: dict[str, float] = field(default_factory=dict)

    def run(self) -> None:
        """Bring the folder from files to a catalog."""
        folder = self.data.resolve() if self.data is not None else self.home.folder / "survey"
        name = survey_name(folder) if self.data is not None else _SURVEY
        is_first = not any(self.home.results.glob(f"{name}-*.html"))
        if self.data is None and not (folder / "truth.ecsv").exists():
            self._beside("simulate", "--out", str(folder))
        with self._timed("databases"):
            postgres = begin_databases(self.home, self.say)
        if is_first:
            self._begin_airflow()
        self._finish("simulate")
        if self.data is None:
            _offer_stars(folder / "stars", self.home.folder / "stars")
        survey = Survey.register(name, folder, self.home, postgres)
        with self._timed("ingest"):
            nights, n_rejected = survey.ingest()
        self.say(f"{name}: {len(nights)} nights in {folder}; {n_rejected} files cannot be used")
        if not nights:
            raise BadConfiguration("no exposure can be used", data=folder, n_rejected=n_rejected)
        # In the simulated survey, the earlier nights are there for the references.
        wanted = nights if self.data is not None else nights[-1:]
        todo = wanted if is_first else self._not_done(survey, wanted)
        if todo:
            self._begin_airflow()
            self._search(name, todo)
        for night in wanted:
            tell(f"\n{survey.report(night).table}\npage: {survey.page(night)}")
        for file in survey.save_export(self.home.results):
            if file.parent == self.home.results:
                tell(f"catalog: {file}")
        tell("\ntime: " + ", ".join(f"{what} {value:.0f} s" for what, value in self._times_s.items()))

    def end_side_work(self) -> None:
        """End what still runs beside us."""
        stop([started(one.pid) for one in self._side_work.values() if one.poll() is None], grace_s=2.0)

    def _not_done(self, survey: Survey, nights: Sequence[str]) -> Sequence[str]:
        left = {night: survey.left(night) for night in nights}
        todo = [night for night, one in left.items() if not one.is_done]
        if not todo:
            self.say(f"nothing to do: {sum(one.n_exposures for one in left.values())} exposures already searched")
        return todo

    def _begin_airflow(self) -> None:
        if "train" in self._side_work:
            return
        begin(self.home, self.say, scheduled=False)
        # Returns at once where a model is in use.
        self._beside("train", "--shipped")

    def _search(self, survey: str, nights: Sequence[str]) -> None:
        """Run the DAGs for each night, the older ones first."""
        system = begin(self.home, self.say, scheduled=False)
        with self._timed("Airflow"):
            wait_until_ready(system)
        self.say(f"Airflow is up at {system.address.url}")
        airflow = Airflow(url=system.address.url, login=LOGIN, password=self.home.password())
        for night in nights:
            with self._timed("references"):
                conf = {"survey": survey, "exclude_night": night}
                self._run(airflow, "build_references", conf, f"references for {night}")
            self._finish("train")
            with self._timed("night"):
                self._run(airflow, "nightly_survey", {"survey": survey}, f"night {night}", night=night)
        airflow.pause_again()

    def _run(
        self, airflow: Airflow, dag: str, conf: Mapping[str, object], what: str, *, night: str | None = None
    ) -> None:
        run_id = airflow.trigger(dag, conf, night=night)
        run = airflow.wait(dag, run_id, timeout_s=_RUN_TIMEOUT_S, watch=Progress(what, self.say))
        if run.state != "success":
            raise RunFailed(why_failed(self.home, run))

    def _beside(self, name: str, *arguments: str) -> None:
        """Start one of the commands of ``astrid`` beside what we do."""
        command = [sys.executable, "-m", "astrid_core.cli.main", name, *arguments]
        self._times_s[name] = -time.monotonic()
        self._side_work[name] = start(
            command, our_environment(self.home, database_of(self.home)), log_of(self.home, name), cwd=REPOSITORY
        )

    def _finish(self, name: str) -> None:
        """Wait for a command that was started beside, and tell how long it took."""
        process = self._side_work.get(name)
        if process is None or self._times_s[name] > 0:
            return
        log = log_of(self.home, name)
        while process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_QUIET_S)
                break
            self.say(f"astrid {name}: {last_line(log) or 'at work'}")
        if process.returncode:
            raise NotStarted(f"astrid {name} failed", status=process.returncode, **end_of(log))
        self._times_s[name] += time.monotonic()
        self.say(f"astrid {name} is done")

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        started_at = time.monotonic()
        yield
        self._times_s[what] = self._times_s.get(what, 0.0) + time.monotonic() - started_at
