"""Reviewers vote over HTTP from processes of their own while the API is killed: no vote is lost or counted twice."""

from pathlib import Path

import pytest

from benchmarks.voting import run


@pytest.mark.live
def test_no_vote_is_lost_or_given_twice_though_the_api_is_killed(postgres_url: str, tmp_path: Path) -> None:
    found = run(postgres_url, tmp_path, n_reviewers=4, n_each=25, n_kills=1)

    assert found.n_votes == 100
