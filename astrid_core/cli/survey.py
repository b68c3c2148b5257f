"""``astrid simulate``: a survey of a sky that does not exist, with the truth about it."""

import argparse
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from astrid_core.simulate.config import SurveyConfig

STARS = "stars"
"""Folder of the reference stars, in that of the survey."""

_RATES = (
    ("--stars", "that one exposure shows at 5 sigma or brighter"),
    ("--galaxies", "that one exposure shows at 5 sigma or brighter"),
    ("--transients", "new in the last night"),
    ("--faded", "gone in the last night"),
    ("--variables", "stars that vary"),
    ("--moving", "asteroids, in each night"),
)


def add_commands(choose: Any) -> None:
    """Add the command."""
    parser = choose.add_parser(
        "simulate",
        help="write a simulated survey: FITS files of several nights and the truth about them",
        description="Writes DIR/<night>/<field>_<band>_<n>.fits, DIR/truth.ecsv, and DIR/stars, a catalog of reference "
        "stars. The last night is the one to search: transients are new in it, or gone. The same options give the same "
        "bytes; a folder that holds another survey is refused. Without options it is the survey of the demo.",
        allow_abbrev=False,
    )
    parser.add_argument("--out", required=True, type=Path, metavar="DIR")
    parser.add_argument("--seed", type=int, metavar="N", help="of all random numbers; default 1")
    parser.add_argument("--fields", type=int, metavar="N", help="default 2")
    parser.add_argument("--size", type=int, metavar="PIX", help="side of an exposure; default 1024")
    parser.add_argument("--nights", type=int, metavar="N", help="the last one included; default 5")
    parser.add_argument("--exposures", type=int, metavar="N", help="of each field in the last night; default 3")
    parser.add_argument("--reference-exposures", type=int, metavar="N", help="of each field in other nights; default 1")
    parser.add_argument("--first-night", metavar="YYYY-MM-DD", help="default 2024-03-01")
    parser.add_argument("--cadence", type=int, metavar="NIGHTS", help="between two nights; default 4")
    parser.add_argument("--band", metavar="NAME", help="default r")
    parser.add_argument(
        "--seeing", type=float, nargs=2, metavar=("LOW", "HIGH"), help="FWHM, pixels; default 2.7 to 4.2"
    )
    for name, what in _RATES:
        parser.add_argument(name, type=float, metavar="N", help=f"{what}, per megapixel")
    parser.add_argument(
        "--transient-snr", type=float, nargs=2, metavar=("LOW", "HIGH"), help="of their difference; default 4 to 60"
    )
    parser.add_argument("--cosmic-rays", type=float, metavar="N", help="per megapixel and exposure; default 40")
    parser.add_argument("--trails", type=float, metavar="N", help="satellites per exposure, on average; default 0.2")
    parser.add_argument("--wcs-error", type=float, metavar="PIX", help="of the headers, per axis; default 0.5")
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the survey."""
    from astrid_core.adapters.catalogs.shard_files import PAGE
    from astrid_core.adapters.catalogs.write_shards import write_shards
    from astrid_core.simulate.star_catalog import covered_sky, reference_stars
    from astrid_core.simulate.survey import TRUTH, simulate_survey

    config = survey_config(arguments)
    summary = simulate_survey(config, arguments.out, progress=print)
    catalog = arguments.out / STARS
    if not (catalog / PAGE).exists():
        # A folder without its page was cut off.
        shutil.rmtree(catalog, ignore_errors=True)
        write_shards(
            reference_stars(config),
            catalog,
            name="simulated sky",
            release=config.digest[:12],
            covered=covered_sky(config),
        )
    what = f"{len(summary.exposures)} exposures in {arguments.out}"
    if not summary.is_new:
        print(f"nothing to do: this survey is there already, {what}")
        return 0
    print(f"{what}; the night to search is {summary.last_night}")
    print("known: " + ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in summary.n_objects.items()))
    print(f"{summary.n_bright} transients of that night are predicted at S/N 8 or more")
    print(f"truth: {arguments.out / TRUTH}; reference stars: {catalog}")
    return 0


def survey_config(arguments: argparse.Namespace) -> "SurveyConfig":
    """Return the settings that the options choose; what is not given keeps its default."""
    from astrid_core.simulate.config import ConditionsConfig, SkyConfig, SurveyConfig

    sky = {
        "stars_per_mpix": arguments.stars,
        "galaxies_per_mpix": arguments.galaxies,
        "transients_per_mpix": arguments.transients,
        "faded_per_mpix": arguments.faded,
        "variables_per_mpix": arguments.variables,
        "moving_per_mpix": arguments.moving,
        "transient_snr": _pair(arguments.transient_snr),
    }
    conditions = {
        "seeing_pix": _pair(arguments.seeing),
        "cosmic_rays_per_mpix": arguments.cosmic_rays,
        "trails_per_exposure": arguments.trails,
        "wcs_error_pix": arguments.wcs_error,
    }
    survey = {
        "seed": arguments.seed,
        "n_fields": arguments.fields,
        "side_pix": arguments.size,
        "n_nights": arguments.nights,
        "last_exposures": arguments.exposures,
        "reference_exposures": arguments.reference_exposures,
        "first_night": arguments.first_night,
        "cadence_nights": arguments.cadence,
        "band": arguments.band,
    }
    return SurveyConfig(
        **_given(survey), sky=SkyConfig(**_given(sky)), conditions=ConditionsConfig(**_given(conditions))
    )


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _pair(values: list[float] | None) -> tuple[float, float] | None:
    return None if values is None else (values[0], values[1])
