"""Several processes publish the nights of a year at once: the catalog does not show it, down to the byte."""

import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Event

import pytest

from astrid_core.alerts.entities import Channel
from astrid_core.catalog.config import PublishConfig
from astrid_core.catalog.exports.config import ExportConfig
from astrid_core.observations.entities import night_of
from astrid_core.shared.events import verify_chain
from astrid_core.shared.sky import SkyPosition
from astrid_core.stages import held_sky
from astrid_core.stages.export import run_export
from astrid_core.stages.held_sky import HeldSky, hold_sky
from astrid_core.stages.objects import Changes
from astrid_core.stages.services import Records, Services
from tests.adapters.databases import AnyDatabase, PostgresServer, SqlDatabase
from tests.adapters.invented import entry
from tests.catalog.invented import measured
from tests.fakes.records import MemoryDatabase
from tests.stages.exported import exported_files
from tests.stages.voting import services_on
from tests.synthetic.published import Portion, portions_of, publish, record_exposures

CONFIG = PublishConfig()

PUBLISHER = """
import sys
from tests.adapters.databases import SqlDatabase
from tests.stages.voting import services_on
from tests.synthetic.published import portions_of, publish
url, n_objects, n_lunations, own, n_publishers = sys.argv[1], *map(int, sys.argv[2:])
services = services_on(SqlDatabase(url).transaction)
portions = portions_of(n_objects, n_lunations=n_lunations, seed=7)
print("ready", flush=True)
input()
for portion in portions[own::n_publishers]:
    publish(services, portion)
"""


def prepared(database: AnyDatabase, portions: Sequence[Portion]) -> Services:
    with database.transaction() as records:
        record_exposures(records, portions)
        # Somebody is told, so that publishers meet in the outbox, too.
        records.alerts.open([Channel(name="all", format="voevent")])
    return services_on(database.transaction)


def extract(services: Services) -> dict[str, bytes]:
    with services.transaction() as records:
        log = list(records.events.all())
    assert verify_chain(log) == len(log)
    return exported_files(services, run_export(services, ExportConfig(formats=("csv",))))


def publish_at_once(url: str, *settings: int, n_publishers: int) -> None:
    """Let processes publish portions of the year: the first one each so many, and so on."""
    with ExitStack() as stack:
        children = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-W", "error", "-c", PUBLISHER, url, *map(str, (*settings, number, n_publishers))],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for number in range(n_publishers)
        ]
        for child in children:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
        for child in children:
            assert child.stdin is not None
            child.stdin.write("go\n")
            child.stdin.flush()
        for child in children:
            child.communicate(timeout=1200.0)
        assert [child.returncode for child in children] == [0] * n_publishers


def assert_the_same(ordered: AnyDatabase, url: str, *, n_objects: int, n_lunations: int, n_publishers: int) -> None:
    whole = portions_of(n_objects, n_lunations=n_lunations, seed=None)
    services = prepared(ordered, whole)
    for portion in whole:
        publish(services, portion)
    at_once = SqlDatabase(url)
    others = prepared(at_once, whole)
    publish_at_once(url, n_objects, n_lunations, n_publishers=n_publishers)
    assert extract(others) == extract(services)
    at_once.close()


def test_nights_published_at_once_in_portions_give_the_same_catalog(postgres_url: str) -> None:
    assert_the_same(MemoryDatabase(), postgres_url, n_objects=16, n_lunations=2, n_publishers=3)


@pytest.mark.live
def test_a_whole_year_published_at_once_gives_the_same_catalog(
    postgres: PostgresServer, migrated_template: str, postgres_url: str
) -> None:
    ordered = SqlDatabase(postgres.create_database(template=migrated_template))
    assert_the_same(ordered, postgres_url, n_objects=24, n_lunations=10, n_publishers=4)
    ordered.close()


def seen(name: str, night: int, *, exposures: int, rate_arcsec_h: float) -> Portion:
    """Return what a night shows of an object that crosses RA 0 along the equator between nights 0 and 3."""
    points = []
    for number in range(exposures):
        hours = 24.0 * night + 0.4 * number
        points.append(
            measured(
                f"{name}-{night}-{number}:1",
                east_arcsec=rate_arcsec_h * (hours - 36.0),
                centre=(0.0, 0.0),
                mid_mjd=60371.25 + hours / 24.0,
                observation=f"sim:{night}-{number}",
                err_arcsec=0.1,
            )
        )
    return Portion(night=night_of(points[0].mid_mjd), points=tuple(points))


@pytest.mark.parametrize(("rate_arcsec_h", "exposures"), [(0.0, 1), (100.0, 4)], ids=["at rest", "moving"])
def test_two_nights_published_at_the_same_moment_show_one_object(
    postgres_url: str, rate_arcsec_h: float, exposures: int
) -> None:
    nights = [seen("one", night, exposures=exposures, rate_arcsec_h=rate_arcsec_h) for night in (0, 3)]
    database = SqlDatabase(postgres_url)
    services = prepared(database, nights)
    is_written, go = Event(), Event()

    def before_end() -> None:
        is_written.set()
        assert go.wait(60.0)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(publish, services, nights[1], before_end=before_end)
        assert is_written.wait(60.0)
        second = pool.submit(publish, services, nights[0])
        with pytest.raises(TimeoutError):
            second.result(timeout=1.0)
        go.set()
        assert first.result(timeout=60.0) == Changes(n_founded=1)
        # The object that the later night founded is part of the one that the earlier night founds.
        assert second.result(timeout=60.0) == Changes(n_founded=1, n_withdrawn=1)
    with database.transaction() as records:
        (found,) = records.catalog.search()
    assert found.n_detections == 2 * exposures
    database.close()


def at(ra_deg: float) -> SkyPosition:
    return SkyPosition(ra_deg=ra_deg, dec_deg=30.0)


def waits(url: str, held: dict[str, Sequence[SkyPosition]], asked: dict[str, Sequence[SkyPosition]]) -> bool:
    """Return whether a publisher that needs these places waits until another one, that holds others, is done."""
    database = SqlDatabase(url)
    services = services_on(database.transaction)
    is_held, go = Event(), Event()

    def hold(_: Records, sky: HeldSky) -> None:
        sky.need(**held)
        is_held.set()
        assert go.wait(60.0)

    def ask(_: Records, sky: HeldSky) -> bool:
        sky.need(**asked)
        return not go.is_set()

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(hold_sky, services, "sim", ["2024-01-01"], CONFIG, hold)
        assert is_held.wait(60.0)
        second = pool.submit(hold_sky, services, "sim", ["2024-01-02"], CONFIG, ask)
        try:
            is_free = second.result(timeout=1.0)
        except TimeoutError:
            is_free = False
        go.set()
        first.result(timeout=60.0)
        second.result(timeout=60.0)
    database.close()
    return not is_free


def test_publishers_of_one_place_take_turns_and_those_of_different_places_do_not(postgres_url: str) -> None:
    assert waits(postgres_url, {"rest": [at(0.0001)]}, {"rest": [at(359.9999)]})
    assert not waits(postgres_url, {"rest": [at(0.0)]}, {"rest": [at(5.0)]})


def test_what_moves_is_held_as_far_as_it_may_get(postgres_url: str) -> None:
    assert waits(postgres_url, {"moving": [at(357.0)]}, {"moving": [at(3.0)]})
    assert not waits(postgres_url, {"moving": [at(0.0)]}, {"moving": [at(40.0)]})
    assert not waits(postgres_url, {"moving": [at(0.0)]}, {"rest": [at(0.0)]})


def test_whoever_needs_too_many_cells_holds_the_whole_catalog(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_sky, "MAX_CELLS", 3)
    assert waits(postgres_url, {"rest": [at(0.0), at(20.0)]}, {"rest": [at(100.0)]})


def test_a_vote_waits_for_every_publisher(postgres_url: str) -> None:
    database = SqlDatabase(postgres_url)
    done = []
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as records:
            records.catalog.lock_parts(["a"])

            def vote() -> None:
                with database.transaction() as others:
                    others.catalog.lock()
                    done.append("vote")

            voted = pool.submit(vote)
            with pytest.raises(TimeoutError):
                voted.result(timeout=0.5)
            done.append("published")
        voted.result(timeout=60.0)
    assert done == ["published", "vote"]
    database.close()


def test_what_was_written_before_more_of_the_sky_is_asked_for_is_undone(sql_database: SqlDatabase) -> None:
    n_tries = []

    def change(records: Records, sky: HeldSky) -> None:
        n_tries.append(len(records.catalog.search()))
        records.catalog.put(entry())
        sky.need(rest=[at(0.0)])
        sky.need(moving=[at(0.0)])

    hold_sky(services_on(sql_database.transaction), "sim", ["2024-01-01"], CONFIG, change)
    assert n_tries == [0, 0, 0]
    with sql_database.transaction() as records:
        assert records.catalog.search() == (entry(),)
