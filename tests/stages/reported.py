"""A night in an SQLite file with everything that a report speaks of, and eight reported nights before it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from astrid_core.adapters.db.migrate import migrate
from astrid_core.adapters.storage.folder import FolderArtifacts
from astrid_core.bootstrap import Pipeline
from astrid_core.catalog.config import TrackConfig
from astrid_core.catalog.entities import Analytics
from astrid_core.catalog.truth import TruthRow
from astrid_core.curation.access import Role
from astrid_core.curation.config import CurateConfig
from astrid_core.curation.entities import Verdict
from astrid_core.differencing.inject_config import InjectConfig
from astrid_core.shared.runs import RunKey
from astrid_core.stages.access import grant_role
from astrid_core.stages.curate import run_curate
from astrid_core.stages.detect import run_detect
from astrid_core.stages.difference import run_difference
from astrid_core.stages.inject import run_injection
from astrid_core.stages.preprocess import run_preprocess
from astrid_core.stages.publish import run_publish
from astrid_core.stages.review import record_verdict
from astrid_core.stages.services import Services
from astrid_core.stages.track import run_track
from tests.adapters.databases import SqlDatabase
from tests.stages.scene import CENTRE, NEW, NIGHT, SHAPE, exposure, scene
from tests.stages.searched import SCIENCE, searched
from tests.synthetic.fields import Source, wcs

PIPELINE = Pipeline(inject=InjectConfig(n_sources=40, separation_fwhm=4.0))
NOW = datetime(2026, 1, 1, 20, tzinfo=UTC)
REAL, BOGUS, UNSURE = Verdict.REAL, Verdict.BOGUS, Verdict.UNSURE
EARLIER = tuple(
    (
        f"2024-01-{day:02d}",
        {"candidates_per_mpix": 60.0 + day, "seeing_arcsec.r": 1.0 + 0.01 * day, "green": None if day == 3 else 1.0},
    )
    for day in range(1, 9)
)
"""Nights with the figures that their reports recorded, in the order of time."""
TRACKING = TrackConfig(min_candidates=2, min_exposures=2, min_verdicts=3)
VOTES = ((REAL, REAL), (REAL, REAL), (BOGUS, BOGUS), (REAL, BOGUS), (REAL, UNSURE), (BOGUS,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """Services over a database of our own, and what was made in it."""

    services: Services
    database: Path
    injection: RunKey
    truth: tuple[TruthRow, ...]


@contextmanager
def night_before_its_report(home: Path) -> Iterator[Reported]:
    """Make the night: two exposures searched, one of them with injections, a file that is none, votes on six."""
    path = home / "astrid.sqlite"
    migrate(f"sqlite:///{path}")
    stars = [
        Source(x_pix=40.0 + 50.0 * (n % 6), y_pix=50.0 + 60.0 * (n // 6), flux=1500.0 + 150.0 * n) for n in range(24)
    ]
    second, empty = f"{NIGHT}/b.fits", f"{NIGHT}/c.fits"
    made = scene(**{second: exposure(NIGHT, seed=11, extra=[NEW, *stars], fwhm=3.6), empty: b"not a FITS file"})
    database = SqlDatabase(f"sqlite:///{path}")
    services = replace(made.services, artifacts=FolderArtifacts(home / "artifacts"), transaction=database.transaction)
    difference, first, model = searched(replace(made, services=services), PIPELINE)
    prepared = run_preprocess(services, f"demo:{second}", PIPELINE.preparation)
    keys = [
        first,
        run_detect(services, run_difference(services, prepared, PIPELINE.difference), model.id, PIPELINE.detect),
    ]
    for key in keys:
        run_curate(services, key, CurateConfig())
    run_publish(services, "demo", NIGHT, PIPELINE.publish, keys)
    _vote(services, keys)
    _report_earlier(services)
    for night, _ in EARLIER[-2:]:
        _search_earlier(services, first, f"{night}/z.fits")
    injection = run_injection(services, difference, model.id, PIPELINE.trial())
    run_track(services, "demo", NIGHT, TRACKING, keys, [injection])
    yield Reported(services=services, database=path, injection=injection, truth=_truth(services))
    database.close()


def _search_earlier(services: Services, key: RunKey, archive_id: str) -> None:
    """Record a search of an earlier exposure which found the same places, less significant, with other scores."""
    with services.transaction() as records:
        run = records.model_runs.get(key)
        difference = records.difference_runs.get(run.difference_key)
        prepared = records.preprocess_runs.get(difference.preprocess_key)
        name, seen = archive_id.replace("/", "-"), f"demo:{archive_id}"
        assert prepared.quality is not None
        quality = replace(prepared.quality, sky_rms=1.25 * prepared.quality.sky_rms)
        records.preprocess_runs.add(
            replace(prepared, key=RunKey(f"preprocess-{name}"), observation_id=seen, quality=quality)
        )
        candidates = tuple(
            replace(one, run=RunKey(f"difference-{name}"), score=0.8 * one.score) for one in difference.candidates
        )
        records.difference_runs.add(replace(
            difference, key=RunKey(f"difference-{name}"), preprocess_key=RunKey(f"preprocess-{name}"),
            observation_id=seen, candidates=candidates,
        ))  # fmt: skip
        detections = tuple(
            replace(one, model_run=RunKey(f"detect-{name}"), candidate=candidate,
                    score=None if one.score is None else one.score**2)
            for one, candidate in zip(run.detections, candidates, strict=True)
        )  # fmt: skip
        records.model_runs.add(replace(
            run, key=RunKey(f"detect-{name}"), difference_key=RunKey(f"difference-{name}"), observation_id=seen,
            detections=detections,
        ))  # fmt: skip


def _truth(services: Services) -> tuple[TruthRow, ...]:
    """Return transients that are found, missed, hidden, outside and faint, and a star on which an object lies."""
    with services.transaction() as records:
        found = sorted(records.catalog.points_of_night("demo", NIGHT), key=lambda one: -abs(one.significance))
    objects = list(dict.fromkeys(point.entry_id for point in found))
    first, second = (next(one for one in found if one.entry_id == name) for name in objects[:2])
    empty, hidden, outside = (
        wcs(SHAPE, centre=CENTRE).pixel_to_world_values(x, y) for x, y in ((250.0, 30.0), (0.0, 0.0), (900.0, 900.0))
    )
    places = {
        "found": (first.position.ra_deg, first.position.dec_deg, 20.0),
        "missed": (*map(float, empty), -15.0),
        "hidden": (*map(float, hidden), 30.0),
        "outside": (*map(float, outside), 40.0),
        "faint": (first.position.ra_deg, first.position.dec_deg, 3.0),
    }
    rows = [
        TruthRow(object_id=name, kind="transient", ra_deg=ra, dec_deg=dec, predicted_snr=snr)
        for name, (ra, dec, snr) in places.items()
    ]
    star = TruthRow(object_id="star", kind="star", ra_deg=second.position.ra_deg, dec_deg=second.position.dec_deg)
    return (*rows, star)


def _vote(services: Services, keys: list[RunKey]) -> None:
    with services.transaction() as records:
        best = sorted(
            (one for key in keys for one in records.model_runs.get(key).detections), key=lambda one: -(one.score or 0.0)
        )
    for login in ("ana", "bo"):
        grant_role(services, login=login, role=Role.REVIEWER)
    for number, said in enumerate(VOTES):
        for login, verdict in zip(("ana", "bo"), said, strict=False):
            record_verdict(
                services,
                event_id=UUID(int=10 * number + len(login)),
                detection_id=best[number].id,
                login=login,
                verdict=verdict,
                at=NOW,
            )


def _report_earlier(services: Services) -> None:
    with services.transaction() as records:
        seen = records.observations.get(SCIENCE)
        for night, figures in EARLIER:
            away = float((datetime.fromisoformat(NIGHT) - datetime.fromisoformat(night)).days)
            records.observations.add(replace(seen, archive_id=f"{night}/z.fits", mid_mjd=seen.mid_mjd - away))
            for version in (dict.fromkeys(figures, 99.0), figures):
                key = RunKey(f"report-{night}-{version == figures}")
                records.analytics.add(Analytics(key=key, survey="demo", night=night, facts={"figures": version}))
                records.events.append("analytics.recorded", subject=f"demo:{night}", facts={"run": key})
