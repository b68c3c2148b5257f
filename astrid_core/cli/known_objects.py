"""``astrid minor-planets`` and ``astrid context``: what others know, and what entries therefore are."""

import argparse
from pathlib import Path
from typing import Any
from uuid import UUID


def add_commands(choose: Any) -> None:
    """Add the commands."""
    planets = choose.add_parser("minor-planets", help="orbits of minor planets and comets on disk", allow_abbrev=False)
    inner = planets.add_subparsers(dest="action", required=True, metavar="ACTION")
    parser = inner.add_parser(
        "import",
        help="make a table of files of orbits",
        description="Reads MPCORB.DAT or an extract of it, as the Minor Planet Center has them, or its JSON, and "
        "CometEls.txt with --comets, and writes one table. It takes the place of the table that was there.",
        allow_abbrev=False,
    )
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="orbits of minor planets")
    parser.add_argument("--comets", type=Path, metavar="FILE", help="orbits of comets")
    parser.add_argument(
        "--out", type=Path, metavar="TABLE", help="default: minor_planets.parquet in ASTRID_HOME, which is used"
    )
    planets.set_defaults(command=run_import)
    context = choose.add_parser(
        "context",
        help="match entries of the catalog with known objects, and class them",
        description="Looks up stars, known sources and minor planets at the places of entries, and records what is "
        "there and what the entries therefore are. Safe to repeat.",
        allow_abbrev=False,
    )
    context.add_argument("entries", nargs="*", type=UUID, metavar="ENTRY")
    context.add_argument("--survey", metavar="NAME", help="with --night: all entries that the night touched")
    context.add_argument("--night", metavar="YYYY-MM-DD")
    context.set_defaults(command=run_lookup)


def run_import(arguments: argparse.Namespace) -> int:
    """Import files of orbits."""
    from astrid_core.adapters.catalogs.orbit_files import read_orbit_file
    from astrid_core.adapters.catalogs.orbit_table import TABLE, OrbitTable, write_orbits
    from astrid_core.catalog.orbits import joined, orbits_of
    from astrid_core.settings import Settings

    files = [(arguments.file, False), (arguments.comets, True)]
    given = [(path, comets) for path, comets in files if path is not None]
    if not given:
        raise ValueError("give a file of orbits, --comets, or both")
    orbits = joined([orbits_of(read_orbit_file(path, comets=comets)) for path, comets in given])
    out = arguments.out or Settings().home / TABLE
    write_orbits(orbits, out, name="+".join(path.name for path, _ in given))
    print(f"{OrbitTable(out).name}: {len(orbits)} orbits")
    if arguments.out is not None:
        print(f"use it: ASTRID_MINOR_PLANETS={out}")
    return 0


def run_lookup(arguments: argparse.Namespace) -> int:
    """Look up entries."""
    from astrid_core.bootstrap import load_pipeline, migrate_database, open_services
    from astrid_core.stages.context import entries_of_night, run_context

    if bool(arguments.survey) != bool(arguments.night) or bool(arguments.entries) == bool(arguments.night):
        raise ValueError("give entries, or --survey and --night")
    migrate_database()
    with open_services() as services:
        entries = arguments.entries or entries_of_night(services, arguments.survey, arguments.night)
        summary = run_context(services, entries, load_pipeline().context)
        with services.transaction() as records:
            known = records.contexts.of(entries) if arguments.entries else {}
    print(f"{summary.n_entries} entries looked up, {summary.n_changed} changed")
    for word, number in summary.n_classes.items():
        print(f"  {word}: {number}")
    for identity, context in known.items():
        print(f"{identity}: {context.object_class}, {context.reason}")
    return 0
