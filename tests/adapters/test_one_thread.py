from pathlib import Path

from threadpoolctl import threadpool_info, threadpool_limits

from astrid_core.bootstrap import migrate_database, open_services
from astrid_core.settings import Settings


def _threads() -> set[int]:
    return {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}


def test_whoever_opens_services_computes_sums_in_one_order(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    migrate_database(settings)
    with threadpool_limits(limits=2, user_api="blas"):
        before = _threads()
        with open_services(settings):
            assert _threads() == {1}
        assert _threads() >= before
