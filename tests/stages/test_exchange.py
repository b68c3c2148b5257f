"""After an exchange: pictures of what it changed, and light curves with the value that counts now."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from astrid_core.bootstrap import Pipeline
from astrid_core.catalog.config import PublishConfig
from astrid_core.catalog.light_curve import one_an_exposure
from astrid_core.shared.runs import RunKey
from astrid_core.shared.sky import Region, SkyCell, SkyPosition
from astrid_core.stages import backfill as backfill_stage
from astrid_core.stages.backfill import Backfill, commit_backfill, measure_exchanged
from astrid_core.stages.exchange_report import draw_exchange, page_of
from astrid_core.stages.explain import runs_of_exposure
from astrid_core.stages.forced import run_forced
from astrid_core.stages.light_curves import read_light_curve
from astrid_core.stages.remeasure import Remeasured
from astrid_core.stages.services import Services
from tests.catalog.night import difference_run, model_run, observation, preprocess_run
from tests.fakes.artifacts import MemoryArtifacts
from tests.fakes.models import MemoryModels
from tests.fakes.records import MemoryDatabase
from tests.stages.backfilled import FAINT, Night, is_at
from tests.stages.scene import NIGHT
from tests.stages.voting import REFERENCE

GOOD = Pipeline()


@pytest.fixture(scope="module")
def night() -> Night:
    """Searched by a good recipe, too, and measured in the differences of the bad one."""
    made = Night(GOOD)
    run_forced(made.made.services, "demo", NIGHT, GOOD.forced, made.planned(made.bad).scored)
    made.search(made.good)
    return made


def test_the_page_shows_what_an_exchange_would_change(night: Night, tmp_path: Path) -> None:
    services, planned = night.made.services, night.planned(night.good)
    found = night.compare()
    (gained,) = found.gained
    page = draw_exchange(services, planned, found, is_done=False, out=tmp_path / "deep" / "page.html")
    text = (tmp_path / "deep" / "page.html").read_text()
    assert services.artifacts.get(page.digest).decode() == text
    assert is_at(gained, FAINT)
    assert f"Object {str(gained.id)[:8]}" in text
    assert "What an exchange would change" in text
    # The bright star looks the same to both searches, so that it is shown once.
    assert (len(found.changed), text.count('src="data:image/png;base64,')) == (1, 4 * 2)
    assert ', before and after">' in text
    assert "http" not in text.replace("http-equiv", "")
    assert draw_exchange(services, planned, found, is_done=False) == page
    with services.transaction() as records:
        drawn = [event for event in records.events.of("demo") if event.name == "backfill.drawn"]
        assert [event.facts["page"] for event in drawn] == [page.digest]


def test_the_page_is_bounded_and_says_what_it_leaves_out(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    found = night.compare()
    fainter = [replace(found.gained[0], id=old.id, peak_significance=1.0) for old, _ in found.changed]
    more = replace(found, gained=(*fainter, *found.gained))
    monkeypatch.setattr("astrid_core.stages.exchange_report.MOST_SHOWN", 1)
    page = draw_exchange(night.made.services, night.planned(night.good), more, is_done=False)
    text = night.made.services.artifacts.get(page.digest).decode()
    assert f"{len(more.gained)} objects; the 1 most significant are shown" in text
    assert f"Object {str(found.gained[0].id)[:8]}" in text


def test_nothing_changed_is_said_and_a_page_has_a_name(night: Night) -> None:
    planned = night.planned(night.good)
    page = draw_exchange(night.made.services, planned, Remeasured(), is_done=True)
    assert "as it should be" in night.made.services.artifacts.get(page.digest).decode()
    assert page_of(Path("home"), planned) == Path(f"home/results/demo-{NIGHT}-backfill.html")


def test_a_light_curve_has_one_value_an_exposure_and_it_is_that_of_the_new_search(night: Night) -> None:
    services, planned = night.made.services, night.planned(night.good)
    (entry, *_) = night.entries()
    commit_backfill(services, planned, GOOD.publish)
    measure_exchanged(services, planned, GOOD.forced)
    with services.transaction() as records:
        good = {records.model_runs.get(key).difference_key for key in planned.scored}
        everything = [
            one for one in records.forced.of_entries([entry.id]) if one.observation_id.startswith(f"demo:{NIGHT}")
        ]
        references = {one.reference_digest: records.references.get(one.reference_digest) for one in everything}
        for name in {one.observation_id for one in everything}:
            chosen = runs_of_exposure(records, records.observations.get(name))
            assert chosen.difference is not None
            assert chosen.difference.key in good
    points = read_light_curve(services, entry.id, GOOD.forced).points
    tonight = [one for one in points if one.observation_id.startswith(f"demo:{NIGHT}")]
    # What was measured before stays on record.
    assert len(everything) == 2 * len(tonight) > 0
    assert {one.difference_key for one in tonight} == good
    # Without the word of the exchange keys would decide, and some exposures would show what was superseded.
    by_key = one_an_exposure(everything, references)
    assert {one.difference_key for one in by_key} != good
    assert measure_exchanged(services, planned, GOOD.forced).n_points == 0


def test_a_cell_asks_only_the_exposures_that_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    services, keys = _two_fields()
    asked: dict[str, list[RunKey]] = {}

    def watched(*args: object, region: Region) -> Remeasured:
        asked[region.text] = [*args[3]]  # type: ignore[misc]
        return Remeasured()

    monkeypatch.setattr(backfill_stage, "run_remeasure", watched)
    planned = Backfill(survey="demo", nights=(NIGHT,), pending=(), scored=tuple(keys.values()))
    commit_backfill(services, planned, PublishConfig())
    for place, key in keys.items():
        assert asked[f"cells({SkyCell.containing(place, order=6)})"] == [key]
    assert all(len(some) == 1 for some in asked.values())


def _two_fields() -> tuple[Services, dict[SkyPosition, RunKey]]:
    database = MemoryDatabase()
    services = Services(
        artifacts=MemoryArtifacts(), models=MemoryModels(), surveys={}, transaction=database.transaction
    )
    places: Sequence[SkyPosition] = [SkyPosition(ra_deg=10.0, dec_deg=5.0), SkyPosition(ra_deg=200.0, dec_deg=-40.0)]
    keys: dict[SkyPosition, RunKey] = {}
    with services.transaction() as records:
        records.references.add(REFERENCE)
        for number, place in enumerate(places, start=1):
            seen = replace(observation(number), position=place)
            difference = difference_run(seen)
            scored = model_run(difference, [])
            records.observations.add(seen)
            records.preprocess_runs.add(preprocess_run(seen))
            records.difference_runs.add(difference)
            records.model_runs.add(scored)
            keys[place] = scored.key
    return services, keys
