"""``astrid backup`` and ``astrid restore``: all that cannot be made again, sealed, in another place and back."""

import argparse
from pathlib import Path
from typing import Any

from astrid_core.cli.exit_status import PERMANENT


def add_commands(choose: Any) -> None:
    """Add the commands."""
    told = "copy records, artifacts, models and the list of surveys to a folder, encrypted; only what is new"
    backup = choose.add_parser("backup", help=told, description=told, allow_abbrev=False)
    _add_place(backup)
    backup.add_argument("--new-key", action="store_true", help="make the key file; keep a copy of it elsewhere")
    backup.set_defaults(command=run_backup)
    told = "bring back what 'astrid backup' copied, and verify all of it"
    restore = choose.add_parser("restore", help=told, description=told, allow_abbrev=False)
    _add_place(restore)
    restore.add_argument("--snapshot", metavar="NAME", help="default: the latest; --list prints their names")
    restore.add_argument("--list", action="store_true", help="print the names of the snapshots, and restore none")
    restore.add_argument("--overwrite", action="store_true", help="replace the records that are here")
    restore.set_defaults(command=run_restore)


def _add_place(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument(
        "--key", type=Path, required=True, metavar="FILE", help="the key, which only its owner may read"
    )


def run_backup(arguments: argparse.Namespace) -> int:
    """Make a snapshot."""
    from astrid_core.bootstrap import migrate_database, open_backup, open_services
    from astrid_core.cli.progress import Progress
    from astrid_core.stages.backup import back_up

    belongings, vault = open_backup(arguments.folder, arguments.key, make_key=arguments.new_key)
    migrate_database()
    with open_services() as services:
        made = back_up(services, belongings, vault, progress=Progress("artifacts copied"))
    for one in made.left_out:
        print(f"left out: {one}")
    print(f"{made.name}: {made.n_artifacts} artifacts, {made.n_new} of them new")
    return PERMANENT if len(made.left_out) > len(belongings.elsewhere) else 0


def run_restore(arguments: argparse.Namespace) -> int:
    """Bring a snapshot back."""
    from astrid_core.bootstrap import migrate_database, open_backup, open_services
    from astrid_core.cli.progress import Progress
    from astrid_core.stages.backup import bring_back, choose_snapshot, verify_restored

    belongings, vault = open_backup(arguments.folder, arguments.key)
    if arguments.list:
        for name in vault.snapshots():
            print(name)
        return 0
    name = choose_snapshot(vault, arguments.snapshot)
    with open_services() as services:
        restored = bring_back(
            services.artifacts, belongings, vault, name, overwrite=arguments.overwrite,
            progress=Progress("artifacts restored"),
        )  # fmt: skip
    migrate_database()
    with open_services() as services:
        n_events = verify_restored(services, vault, name)
    for one in restored.left_out:
        print(f"not in the backup: {one}")
    print(f"{name}: {restored.n_artifacts} artifacts, every digest as it was; log of {n_events} events, unbroken")
    return 0
