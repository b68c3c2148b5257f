"""Masters from a shell: build them, list them, accept or withdraw one."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

from astrid_core.cli.exit_status import PERMANENT, UNPROCESSABLE

if TYPE_CHECKING:
    from astrid_core.preprocessing.entities import CalibrationData


def add_commands(choose: Any) -> None:
    """Add the commands."""
    parser = choose.add_parser(
        "calibrate",
        help="build the master bias, darks, flats and bad-pixel masks of a survey; prints a line per master",
        description="Builds masters from the bias, dark and flat frames that ingest has recorded. What exists is not "
        "built again; a master that is too unlike the one before it is recorded as rejected and never applied.",
        allow_abbrev=False,
    )
    parser.add_argument("--survey", required=True, metavar="NAME")
    parser.add_argument("--first-night", metavar="YYYY-MM-DD", help="use no frames of earlier nights")
    parser.add_argument("--last-night", metavar="YYYY-MM-DD", help="use no frames of later nights")
    parser.set_defaults(command=_calibrate)
    parser = choose.add_parser(
        "masters",
        help="list the masters of a survey, or accept or withdraw one",
        description="Lists masters with their validity, inputs and, where one was rejected, the reason. With --accept "
        "or --withdraw settles one by hand, on record with the reason.",
        allow_abbrev=False,
    )
    parser.add_argument("--survey", metavar="NAME")
    settle = parser.add_mutually_exclusive_group()
    settle.add_argument(
        "--accept", metavar="DIGEST", help="apply a rejected master after all; its first characters will do"
    )
    settle.add_argument("--withdraw", metavar="DIGEST", help="apply a master no more; the start will do")
    parser.add_argument("--because", default="", metavar="TEXT", help="why; needed to settle one")
    parser.add_argument("--as", dest="login", metavar="LOGIN", help="who decides; default ASTRID_ACTOR")
    parser.set_defaults(command=_masters)


def _calibrate(arguments: argparse.Namespace) -> int:
    from astrid_core.bootstrap import load_pipeline, migrate_database, open_services
    from astrid_core.stages.build_masters import build_masters
    from astrid_core.stages.calibrations import plan_calibrations
    from astrid_core.stages.ingest import survey_client

    migrate_database()
    config = load_pipeline().calibrate
    with open_services() as services:
        survey_client(services, arguments.survey)
        groups = plan_calibrations(
            services,
            survey=arguments.survey,
            config=config,
            first_night=arguments.first_night,
            last_night=arguments.last_night,
        )
        result = build_masters(services, groups, config)
        with services.transaction() as records:
            built = [one for one in records.calibration_masters.search() if one.recipe in result.keys]
    for one in built:
        print(_line(one))
    for word, some in (("skipped", result.skipped), ("failed", result.failed)):
        for item, reason in some.items():
            print(f"{word} {item}: {reason}", file=sys.stderr)
    return PERMANENT if result.failed else UNPROCESSABLE if result.skipped else 0


def _masters(arguments: argparse.Namespace) -> int:
    from astrid_core.bootstrap import migrate_database, open_services
    from astrid_core.cli.digests import whole_digest
    from astrid_core.settings import Settings
    from astrid_core.stages.calibrations import run_settle_master
    from astrid_core.stages.ingest import survey_client

    migrate_database()
    settings = Settings(actor=arguments.login) if arguments.login else Settings()
    with open_services(settings) as services:
        if arguments.survey is not None:
            survey_client(services, arguments.survey)
        start = arguments.accept if arguments.accept is not None else arguments.withdraw
        if start is not None:
            with services.transaction() as records:
                known = [one.digest for one in records.calibration_masters.search(survey=arguments.survey)]
            digest = whole_digest(start, known, what="masters")
            run_settle_master(services, digest, accept=arguments.accept is not None, reason=arguments.because)
        with services.transaction() as records:
            found = records.calibration_masters.search(survey=arguments.survey)
    for one in found:
        print(_line(one))
    return 0


def _line(one: "CalibrationData") -> str:
    from astropy.time import Time

    from astrid_core.preprocessing.group_frames import setup_label

    first, last = (Time(mjd, format="mjd").isot[:10] for mjd in (one.valid_from_mjd, one.valid_to_mjd))
    what = f"{one.kind.value}{f' {one.band}' if one.band else ''} v{one.version}"
    reason = f": {one.reason}" if one.reason else ""
    return (
        f"{one.digest} {setup_label(one.setup)} {what}, {first} to {last}, {one.n_inputs} inputs, "
        f"level {one.level:.6g}, scatter {one.scatter:.3g}, {one.status.value}{reason}"
    )
