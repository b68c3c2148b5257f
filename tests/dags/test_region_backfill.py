"""The work behind the tasks of a backfill, over memory twins."""

from pathlib import Path

import pytest

from astrid_core.bootstrap import load_pipeline
from astrid_core.shared.errors import BadConfiguration, Unprocessable
from astrid_core.stages.heavy import HeavyStage
from include import backfill, search
from include.answers import Answer
from include.messages import LEAVE_IT, START_IT, Estimate
from tests.stages.backfilled import Night
from tests.stages.scene import NIGHT


def _answer(option: str) -> Answer:
    return Answer(
        chosen_options=[option], params_input={}, responded_at="", timedout=False,
        responded_by_user={"id": "eve", "name": "eve"},
    )  # type: ignore[typeddict-item, unused-ignore] # fmt: skip


def test_a_backfill_goes_from_its_price_to_the_catalog() -> None:
    night = Night(load_pipeline())
    services = night.made.services
    request = backfill.pin_backfill(services, survey="demo", first_night=NIGHT, last_night=NIGHT, region=None)
    assert request["nights"] == [NIGHT]
    estimated = backfill.estimate(services, request)
    assert "settings of difference 3" in estimated["text"]
    assert estimated["hours"] is not None
    assert estimated["hours"] > 0.0
    assert backfill.require_dear(estimated, max_hours=0.0) == estimated
    with pytest.raises(Unprocessable, match="cheap enough"):
        backfill.require_dear(estimated, max_hours=1.0)

    planned = search.plan_batches(services, request, n_slots=2)
    for batch in planned:
        prepared = search.preprocess_batch(services, batch)
        subtracted = search.heavy_batch(services, HeavyStage.DIFFERENCE, prepared, request)
        search.heavy_batch(services, HeavyStage.DETECT, subtracted, request)
    counted = backfill.tally(
        services, request, planned, mode="shadow", estimated=estimated, answer=None, max_failed=0.0
    )
    assert (counted["n_planned"], counted["n_failed"]) == (3, 0)

    entries = night.entries()
    told = backfill.compare(services, request)
    assert told[0].startswith("1 gained, 0 lost")
    page = Path(told[1].removeprefix("with pictures: "))
    assert (page.name, page.read_text().count("data:image/png") >= 4) == (f"demo-{NIGHT}-backfill.html", True)
    with pytest.raises(Unprocessable, match="stays as it is"):
        backfill.exchange(services, request, "shadow")
    assert night.entries() == entries
    assert backfill.exchange(services, request, "commit") == told
    assert len(night.entries()) == len(entries) + 1
    assert backfill.exchange(services, request, "commit")[0].startswith("0 gained, 0 lost, 0 changed")


def test_what_was_not_to_begin_is_skipped_and_what_broke_is_not(night: Night) -> None:
    services = night.made.services
    request = backfill.pin_backfill(services, survey="demo", first_night=NIGHT, last_night=NIGHT, region=None)
    assert backfill.require_start(request, "shadow", None) == request
    assert backfill.require_start(request, "commit", _answer(START_IT)) == request
    estimated = Estimate(text="", hours=None)
    assert backfill.require_dear(estimated, max_hours=1000.0) == estimated
    for mode, answer in (("dry", None), ("commit", _answer(LEAVE_IT))):
        with pytest.raises(Unprocessable):
            backfill.require_start(request, mode, answer)
        with pytest.raises(Unprocessable):
            backfill.tally(services, None, None, mode=mode, estimated=estimated, answer=answer, max_failed=0.0)
    with pytest.raises(search.NothingPlanned):
        backfill.tally(services, None, None, mode="dry", estimated=None, answer=None, max_failed=0.0)


def test_nights_without_exposures_are_no_backfill(night: Night) -> None:
    services = night.made.services
    with pytest.raises(Unprocessable, match="no exposure of these nights"):
        backfill.pin_backfill(services, survey="demo", first_night="2001-01-01", last_night="2001-01-02", region=None)
    with pytest.raises(BadConfiguration, match="YYYY-MM-DD"):
        backfill.pin_backfill(services, survey="demo", first_night="soon", last_night=NIGHT, region=None)


@pytest.fixture(scope="module")
def night() -> Night:
    return Night(load_pipeline())
