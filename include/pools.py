"""Pools: how many tasks of a kind may run at once, whichever DAG they are of."""

import argparse
import sys
from collections.abc import Mapping, Sequence

GPU = "gpu"
"""Of stages that are worth a GPU: as many slots as there are GPUs, or as there are workers where there are none."""
ARCHIVE = "archive"
"""Of tasks that ask archives: few, out of politeness."""
PURPOSES = {GPU: "Differencing, detection and injections", ARCHIVE: "Questions to archives"}


def make_pools(slots: Mapping[str, int]) -> list[str]:
    """Make the pools that are not there yet and return their names; the others stay as operators have set them."""
    from airflow.models.pool import Pool

    missing = [name for name in slots if Pool.get_pool(name) is None]
    for name in missing:
        Pool.create_or_update_pool(name, slots=slots[name], description=PURPOSES[name], include_deferred=False)
    return missing


def main(argv: Sequence[str] | None = None) -> int:
    """``python -m include.pools gpu=2 archive=2``: make the pools of a new Airflow."""
    parser = argparse.ArgumentParser(prog="python -m include.pools", description=make_pools.__doc__)
    parser.add_argument("pools", nargs="+", metavar="NAME=SLOTS")
    wanted = dict(one.split("=") for one in parser.parse_args(argv).pools)
    if unknown := sorted(set(wanted) - set(PURPOSES)):
        parser.error(f"unknown pool {unknown[0]}; there are {', '.join(PURPOSES)}")
    made = make_pools({name: int(slots) for name, slots in wanted.items()})
    sys.stdout.write("".join(f"{name}\n" for name in made))
    return 0


if __name__ == "__main__":
    sys.exit(main())
