"""``astrid measure`` and ``astrid lightcurve``: objects in every exposure that covers them."""

import argparse
import csv
import json
import sys
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from astrid_core.catalog.light_curve import Brightness


def add_commands(choose: Any) -> None:
    """Add the commands."""
    text = "measure objects in every exposure that covers them, found there or not"
    parser = choose.add_parser("measure", help=text, description=text, allow_abbrev=False)
    parser.add_argument("--survey", metavar="NAME")
    parser.add_argument("--night", metavar="YYYY-MM-DD", help="what its exposures cover, and before what it found")
    parser.add_argument(
        "--entry",
        action="append",
        default=[],
        type=UUID,
        metavar="ENTRY",
        help="an object; may be given several times",
    )
    parser.set_defaults(command=measure)
    parser = choose.add_parser(
        "lightcurve",
        help="print the brightness of an object in every exposure that covers it",
        description="One line an exposure: what was measured at the place of the object, found there or not, with "
        "upper limits; against the reference, and in all.",
        allow_abbrev=False,
    )
    parser.add_argument("entry", type=UUID, metavar="ENTRY")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print every number")
    form.add_argument("--csv", action="store_true", help="print every number as a table")
    parser.set_defaults(command=show)


def measure(arguments: argparse.Namespace) -> int:
    """Measure a night or some objects."""
    from astrid_core.bootstrap import load_pipeline, migrate_database, open_services
    from astrid_core.stages.forced import run_forced, run_forced_entries

    by_night = arguments.survey is not None and arguments.night is not None
    if by_night == bool(arguments.entry):
        raise ValueError("name a survey and a night, or objects")
    config = load_pipeline().forced
    migrate_database()
    with open_services() as services:
        done = (
            run_forced(services, arguments.survey, arguments.night, config)
            if by_night
            else run_forced_entries(services, arguments.entry, config)
        )
    print(
        f"{done.n_points} new measurements in {done.n_files} differences, {done.n_measured} with a flux; "
        f"{done.n_left_out} exposures left out"
    )
    return 0


def show(arguments: argparse.Namespace) -> int:
    """Print a light curve."""
    from astrid_core.bootstrap import load_pipeline, migrate_database, open_services
    from astrid_core.catalog.light_curve import Brightness
    from astrid_core.stages.light_curves import read_light_curve

    config = load_pipeline().forced
    migrate_database()
    with open_services() as services:
        curve = read_light_curve(services, arguments.entry, config)
    if arguments.json:
        print(json.dumps(asdict(curve), indent=2, default=str))
    elif arguments.csv:
        names = [one.name for one in fields(Brightness)]
        table = csv.DictWriter(sys.stdout, names, lineterminator="\n")
        table.writeheader()
        table.writerows(asdict(point) for point in curve.points)
    else:
        print(f"{curve.entry.id} {curve.entry.status.value} at {curve.entry.position.ra_deg:.6f} "
              f"{curve.entry.position.dec_deg:+.6f}")  # fmt: skip
        for point in curve.points:
            print(_line(point, limit_sigma=curve.limit_sigma))
    return 0


def _line(point: "Brightness", *, limit_sigma: float) -> str:
    said = f"{point.mid_mjd:.5f} {point.band:<4} "
    if point.flux is None or point.flux_err is None:
        return f"{said}not measured: {point.unmeasured}  {point.observation_id}"
    if point.flux_njy is None or point.flux_err_njy is None:
        return f"{said}{point.flux:.5g} +- {point.flux_err:.3g} counts, no zero point  {point.observation_id}"
    said += f"{point.flux_njy:>12.5g} +- {point.flux_err_njy:<9.3g} nJy  "
    if point.mag_ab is not None and point.mag_err is not None:
        faded = " (faded)" if point.flux < 0.0 else ""
        said += f"{point.mag_ab:.3f} +- {point.mag_err:.3f} mag{faded}"
    elif point.limit_mag_ab is not None:
        said += f"> {point.limit_mag_ab:.3f} mag ({limit_sigma:g} sigma)"
    if point.total_flux_njy is not None:
        said += f"  in all {point.total_flux_njy:.5g} nJy"
    return f"{said}  {point.observation_id}"
