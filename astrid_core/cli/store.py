"""``astrid store``: whether every artifact is whole, what no record names, and what can be made again."""

import argparse
from typing import Any

from astrid_core.cli.exit_status import PERMANENT

_SHOWN = 20


def add_commands(choose: Any) -> None:
    """Add the commands."""
    store = choose.add_parser("store", help="verify, clear out and make again what is stored", allow_abbrev=False)
    doing = store.add_subparsers(required=True, metavar="DOING")
    told = "read every artifact; name what is corrupt or missing; what was broken off goes on where it ended"
    scrub = doing.add_parser("scrub", help=told, description=told, allow_abbrev=False)
    scrub.add_argument("--every-days", type=int, metavar="N", help="read only today's part of N; default: everything")
    scrub.set_defaults(command=run_scrub)
    told = "list what no record names; delete it only with --delete"
    collect = doing.add_parser("collect", help=told, description=told, allow_abbrev=False)
    collect.add_argument("--delete", action="store_true", help="delete it, and tell the log so")
    collect.set_defaults(command=run_collect)
    told = "list difference images that are old and not needed and can be made again; drop them only with --delete"
    drop = doing.add_parser("drop", help=told, description=told, allow_abbrev=False)
    drop.add_argument("--delete", action="store_true", help="drop them, and keep their record")
    drop.set_defaults(command=run_drop)
    told = "make dropped difference images again, and prove that they are the same"
    recreate = doing.add_parser("recreate", help=told, description=told, allow_abbrev=False)
    recreate.add_argument("keys", nargs="+", metavar="RUN_KEY")
    recreate.set_defaults(command=run_recreate)


def run_scrub(arguments: argparse.Namespace) -> int:
    """Read what is stored."""
    from astrid_core.bootstrap import migrate_database, open_services
    from astrid_core.cli.progress import Progress
    from astrid_core.settings import Settings
    from astrid_core.stages.scrub import scrub

    migrate_database()
    every_days = 1 if arguments.every_days is None else arguments.every_days
    if every_days < 1:
        raise ValueError("--every-days must be at least 1")
    with open_services() as services:
        state = Settings().home / "scrub.json"
        found = scrub(services, every_days=every_days, state=state, progress=Progress("artifacts looked at"))
    for digest in found.corrupt:
        print(f"corrupt  {digest}")
    for digest in found.missing:
        print(f"missing  {digest}")
    print(f"{found.n_there} artifacts, {found.n_read} of them read ({_size(found.n_bytes)})")
    print(f"{found.n_unreferenced} named by no record ({_size(found.unreferenced_bytes)})")
    print("sound" if found.is_sound else f"{len(found.corrupt)} corrupt, {len(found.missing)} missing")
    return 0 if found.is_sound else PERMANENT


def run_collect(arguments: argparse.Namespace) -> int:
    """List or delete what no record names."""
    from datetime import timedelta

    from astrid_core.bootstrap import load_pipeline, migrate_database, open_services
    from astrid_core.cli.progress import Progress
    from astrid_core.stages.collect import collect, find_unreferenced

    migrate_database()
    grace = timedelta(hours=load_pipeline().retention.grace_h)
    with open_services() as services:
        if arguments.delete:
            done = collect(services, grace=grace, progress=Progress("artifacts deleted"))
            _list(done.digests)
            spared = f", {done.n_spared} spared" if done.n_spared else ""
            print(f"{len(done.digests)} deleted ({_size(done.n_bytes)}){spared}")
            return 0
        found = find_unreferenced(services, grace=grace)
    _list([one.digest for one in found])
    print(f"{len(found)} could be deleted ({_size(sum(one.n_bytes for one in found))}); --delete does")
    return 0


def run_drop(arguments: argparse.Namespace) -> int:
    """List or drop difference images."""
    from astrid_core.bootstrap import load_pipeline, migrate_database, open_services
    from astrid_core.cli.progress import Progress
    from astrid_core.stages.retention import drop_images

    migrate_database()
    config = load_pipeline().retention
    if not config.difference_image_days:
        print("every difference image is kept: difference_image_days of [retention] is 0")
        return 0
    with open_services() as services:
        found = drop_images(services, config, dry_run=not arguments.delete, progress=Progress("images dropped"))
    _list(found.runs)
    ending = "dropped" if arguments.delete else "could be dropped; --delete does"
    print(f"{len(found.runs)} images of {_size(found.n_bytes)} {ending}")
    if found.n_without_recipe or found.n_unproven:
        print(f"kept: {found.n_without_recipe} without a recipe, {found.n_unproven} that come out otherwise today")
    return 0


def run_recreate(arguments: argparse.Namespace) -> int:
    """Make images again."""
    from astrid_core.bootstrap import migrate_database, open_services
    from astrid_core.shared.runs import RunKey
    from astrid_core.stages.retention import recreate_image

    migrate_database()
    with open_services() as services:
        for key in arguments.keys:
            is_new = recreate_image(services, RunKey(key))
            print(f"{key}: {'made again, the same digest' if is_new else 'is there'}")
    return 0


def _list(names: Any) -> None:
    for one in names[:_SHOWN]:
        print(one)
    if len(names) > _SHOWN:
        print(f"and {len(names) - _SHOWN} more")


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.1f} MB"
