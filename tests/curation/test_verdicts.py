from datetime import UTC, datetime, timedelta
from itertools import permutations
from uuid import UUID

import pytest

from astrid_core.curation.config import CurateConfig
from astrid_core.curation.entities import ValidationEvent, Verdict
from astrid_core.curation.verdicts import judge, judgements, standing
from astrid_core.shared.errors import BadConfiguration

START = datetime(2024, 3, 2, 8, tzinfo=UTC)


def said(
    number: int,
    curator: str,
    verdict: Verdict,
    *,
    minute: int = 0,
    supersedes: int | None = None,
    detection: str = "d:1",
) -> ValidationEvent:
    return ValidationEvent(
        id=UUID(int=number),
        detection_id=detection,
        curator=curator,
        verdict=verdict,
        at=START + timedelta(minutes=minute),
        supersedes=None if supersedes is None else UUID(int=supersedes),
    )


def test_the_newest_verdict_of_a_curator_stands() -> None:
    first = said(1, "ana", Verdict.BOGUS)
    second = said(2, "ana", Verdict.REAL, minute=5, supersedes=1)
    for order in permutations([first, second]):
        assert standing(order) == (second,)


def test_a_verdict_that_supersedes_wins_although_its_clock_ran_slow() -> None:
    first = said(1, "ana", Verdict.BOGUS, minute=5)
    second = said(2, "ana", Verdict.REAL, minute=0, supersedes=1)
    assert standing([first, second]) == (second,)


def test_curators_and_detections_do_not_supersede_each_other() -> None:
    events = [
        said(1, "ana", Verdict.REAL),
        said(2, "bo", Verdict.BOGUS),
        said(3, "ana", Verdict.BOGUS, detection="d:2"),
    ]
    assert len(standing(events)) == 3


def test_the_majority_decides_and_agreement_is_its_share() -> None:
    judgement = judge([said(1, "ana", Verdict.REAL), said(2, "bo", Verdict.REAL), said(3, "cy", Verdict.BOGUS)])
    assert judgement is not None
    assert judgement.verdict is Verdict.REAL
    assert judgement.agreement == pytest.approx(2 / 3)
    assert judgement.n_curators == 3


def test_a_draw_is_unsure() -> None:
    judgement = judge([said(1, "ana", Verdict.REAL), said(2, "bo", Verdict.BOGUS)])
    assert judgement is not None
    assert judgement.verdict is Verdict.UNSURE
    assert judgement.agreement == 0.0


def test_an_unsure_curator_does_not_outvote_a_sure_one() -> None:
    judgement = judge([said(1, "ana", Verdict.UNSURE), said(2, "bo", Verdict.UNSURE), said(3, "cy", Verdict.BOGUS)])
    assert judgement is not None
    assert judgement.verdict is Verdict.BOGUS
    assert judgement.agreement == pytest.approx(1 / 3)


def test_without_verdicts_there_is_no_judgement() -> None:
    assert judge([]) is None
    assert judgements([]) == {}


def test_each_detection_gets_its_own_judgement() -> None:
    judged = judgements([said(1, "ana", Verdict.REAL), said(2, "ana", Verdict.BOGUS, detection="d:2")])
    assert {name: judgement.verdict for name, judgement in judged.items()} == {
        "d:1": Verdict.REAL,
        "d:2": Verdict.BOGUS,
    }


@pytest.mark.parametrize("settings", [{"min_score": 1.1}, {"min_score": -0.1}, {"channel": " "}])
def test_settings_out_of_range_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(BadConfiguration):
        CurateConfig(**settings)  # type: ignore[arg-type]
