"""An extract of the catalog goes out, over memory twins: by a second person, once, and without what was made up."""

import pytest

from astrid_core.catalog.exports.config import ExportConfig
from astrid_core.shared.errors import NotAllowed, UnknownRecord
from astrid_core.shared.runs import RunKey
from astrid_core.stages.export import run_export
from astrid_core.stages.release import is_released, require_requester, run_release
from tests.stages.exported import exported_files
from tests.stages.voting import Voting, releasable


@pytest.fixture
def night() -> Voting:
    """A published night, an operator who may release, and another one who may."""
    return releasable()


def test_an_extract_is_public_once_a_second_person_says_so(night: Voting) -> None:
    key = run_export(night.services, ExportConfig())
    assert not is_released(night.services, key)
    assert run_release(night.services, key, login="dan", requested_by="olga", reason="DR 1")
    assert is_released(night.services, key)
    assert not run_release(night.services, key, login="dan", requested_by="olga", reason="again")
    with night.services.transaction() as records:
        (event,) = (one for one in records.events.of(key) if one.name == "catalog.released")
        files = {name: ref.digest for name, ref in records.exports.find(key).files.items()}  # type: ignore[union-attr]
    assert event.facts == {
        "release": 1, "curator": "dan", "requested_by": "olga", "reason": "DR 1", "n_entries": 3, "n_points": 3,
        "files": files,
    }  # fmt: skip


@pytest.mark.parametrize("login", ["olga", "ana", "nobody", ""])
def test_nobody_releases_what_they_asked_for_or_without_the_role(night: Voting, login: str) -> None:
    key = run_export(night.services, ExportConfig())
    with pytest.raises(NotAllowed):
        run_release(night.services, key, login=login, requested_by="olga", reason="mine")
    assert not is_released(night.services, key)


@pytest.mark.parametrize("login", ["dan", "nobody", ""])
def test_only_an_operator_asks(night: Voting, login: str) -> None:
    require_requester(night.services, "olga")
    with pytest.raises(NotAllowed):
        require_requester(night.services, login)


def test_what_was_never_frozen_cannot_go_out(night: Voting) -> None:
    with pytest.raises(UnknownRecord):
        run_release(night.services, RunKey("export-none"), login="dan", requested_by="olga", reason="DR 1")


def test_another_extract_waits_for_its_own_release(night: Voting) -> None:
    key = run_export(night.services, ExportConfig())
    run_release(night.services, key, login="dan", requested_by="olga", reason="DR 1")
    frozen = exported_files(night.services, key)
    other = run_export(night.services, ExportConfig(min_detections=2))
    assert other != key
    assert not is_released(night.services, other)
    assert exported_files(night.services, key) == frozen
