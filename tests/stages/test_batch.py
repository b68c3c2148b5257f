import pytest

from astrid_core.shared.errors import ArchiveUnavailable, CorruptArtifact, TooFewSources
from astrid_core.shared.runs import RunKey
from astrid_core.stages.batch import run_each, run_watched
from tests.fakes.watching import MemoryWatch


def _stage(item: str) -> RunKey:
    if item == "cloudy":
        raise TooFewSources("too few stars", n_stars=1)
    if item == "rotten":
        raise CorruptArtifact("bytes do not match", digest="ab")
    if item == "offline":
        raise ArchiveUnavailable("no answer", after_s=30)
    return RunKey(f"done-{item}")


def test_one_bad_item_does_not_cost_the_others() -> None:
    result = run_each(_stage, ["a", "cloudy", "rotten", "b"])
    assert result.keys == ("done-a", "done-b")
    assert result.skipped == {"cloudy": "too few stars (n_stars=1)"}
    assert result.failed == {"rotten": "bytes do not match (digest=ab)"}


def test_a_temporary_failure_is_raised_after_the_others_were_done() -> None:
    done: list[str] = []

    def noted(item: str) -> RunKey:
        key = _stage(item)
        done.append(item)
        return key

    with pytest.raises(ArchiveUnavailable, match="no answer"):
        run_each(noted, ["a", "offline", "b"])
    assert done == ["a", "b"]


def test_a_bug_is_not_swallowed() -> None:
    def broken(item: str) -> RunKey:
        raise ZeroDivisionError(item)

    with pytest.raises(ZeroDivisionError):
        run_each(broken, ["a"])


def test_whoever_watches_sees_what_became_of_every_item_while_it_is_logged() -> None:
    watch = MemoryWatch()
    still_open: list[int] = []

    def noted(item: str) -> RunKey:
        still_open.append(watch.open)
        return _stage(item)

    with pytest.raises(ArchiveUnavailable):
        run_each(noted, ["a", "cloudy", "rotten", "offline"], watch=watch)

    assert still_open == [1, 1, 1, 1]
    assert [(one.name, one.told) for one in watch.seen] == [
        ("a", "done-a"),
        ("cloudy", "TooFewSources"),
        ("rotten", "CorruptArtifact"),
        ("offline", "ArchiveUnavailable"),
    ]
    assert watch.open == 0


def test_work_without_a_batch_is_watched_too() -> None:
    watch = MemoryWatch()

    assert run_watched(watch, "2026-10-17", lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        run_watched(watch, "2026-10-18", lambda: 1 // 0)

    assert [(one.name, one.told) for one in watch.seen] == [
        ("2026-10-17", ""),
        ("2026-10-18", "raised ZeroDivisionError"),
    ]
