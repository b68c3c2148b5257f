"""``astrid extract``: what was frozen of the catalog earlier."""

import argparse
from pathlib import Path
from typing import Any


def add_commands(choose: Any) -> None:
    """Add the commands."""
    extract = choose.add_parser("extract", help="save and compare what was frozen of the catalog", allow_abbrev=False)
    doing = extract.add_subparsers(required=True, metavar="DOING")
    told = "say what changed from one extract to another: objects and brightnesses gained, lost and changed by column"
    one = doing.add_parser("diff", help=told, description=told, allow_abbrev=False)
    one.add_argument("before", metavar="EXPORT_KEY")
    one.add_argument("after", metavar="EXPORT_KEY")
    one.add_argument("--out", type=Path, metavar="FILE.csv", help="write every change, one cell a line")
    one.set_defaults(command=run_diff)
    told = "write the files of an extract, verified"
    one = doing.add_parser("save", help=told, description=told, allow_abbrev=False)
    one.add_argument("key", metavar="EXPORT_KEY")
    one.add_argument("--out", required=True, type=Path, metavar="DIR")
    one.set_defaults(command=run_save)


def run_diff(arguments: argparse.Namespace) -> int:
    """Compare two extracts."""
    from astrid_core.bootstrap import open_services
    from astrid_core.catalog.exports.compare import Change
    from astrid_core.shared.runs import RunKey
    from astrid_core.stages.compare_exports import compare_exports

    with open_services() as services:
        found = compare_exports(services, RunKey(arguments.before), RunKey(arguments.after), arguments.out)
    for table, difference in found.items():
        counts = ", ".join(f"{difference.n_by_change[change]} {change}" for change in Change)
        print(f"{table}: {counts}, {difference.n_same} the same")
        for column, n_rows in sorted(difference.n_by_column.items()):
            print(f"  {column}: {n_rows} changed")
        for word, columns in (("gained", difference.columns_gained), ("lost", difference.columns_lost)):
            if columns:
                print(f"  columns {word}: {', '.join(columns)}")
    return 0


def run_save(arguments: argparse.Namespace) -> int:
    """Write the files of an extract."""
    from astrid_core.bootstrap import open_services
    from astrid_core.shared.runs import RunKey
    from astrid_core.stages.export import save_export

    with open_services() as services:
        for path in save_export(services, RunKey(arguments.key), arguments.out):
            print(path)
    return 0
