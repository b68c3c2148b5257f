"""``astrid reference``: which references are used, and what was compared with others."""

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from astrid_core.differencing.entities import ReferenceImage

Change = Callable[..., bool]


def add_commands(choose: Any) -> None:
    """Add the command."""
    parser = choose.add_parser(
        "reference",
        help="list references, decide which are used, list what is stale",
        description="One reference of each survey, cell, instrument, band and leave-out is in use.",
        allow_abbrev=False,
    )
    acts = parser.add_subparsers(dest="act", required=True, metavar="ACT")
    one = acts.add_parser("list", help="list references, by cell, band and version", allow_abbrev=False)
    one.add_argument("--status", choices=("draft", "active", "retired", "quarantined"))
    one.set_defaults(command=_list)
    for act, text in (
        ("activate", "use a reference from now on; the one in its place is retired"),
        ("retire", "use a reference no longer, or take it out of quarantine"),
        ("quarantine", "mark a reference as wrong: nothing is compared with it any more"),
    ):
        one = acts.add_parser(act, help=text, description=text, allow_abbrev=False)
        one.add_argument("digest", help="as listed; its first characters will do")
        one.add_argument("--reason", required=True, help="why; goes on record")
        one.add_argument("--as", dest="login", metavar="LOGIN", help="who decides; default ASTRID_ACTOR")
        one.set_defaults(command=_change)
    one = acts.add_parser("stale", help="list exposures compared only with references that are not in use")
    one.set_defaults(command=_stale)


def _list(arguments: argparse.Namespace) -> int:
    from astrid_core.bootstrap import migrate_database, open_services
    from astrid_core.differencing.entities import ReferenceStatus
    from astrid_core.stages.reference_status import list_references

    migrate_database()
    with open_services() as services:
        wanted = ReferenceStatus(arguments.status) if arguments.status else None
        for one in list_references(services, status=wanted):
            print(_line(one))
    return 0


def _change(arguments: argparse.Namespace) -> int:
    from astrid_core.bootstrap import migrate_database, open_services
    from astrid_core.cli.digests import whole_digest
    from astrid_core.settings import Settings
    from astrid_core.stages import reference_status as acts

    change: dict[str, Change] = {
        "activate": acts.activate_reference,
        "retire": acts.retire_reference,
        "quarantine": acts.quarantine_reference,
    }
    migrate_database()
    settings = Settings(actor=arguments.login) if arguments.login else Settings()
    with open_services(settings) as services:
        known = [one.digest for one in acts.list_references(services)]
        digest = whole_digest(arguments.digest, known, what="references")
        if not change[arguments.act](services, digest, reason=arguments.reason):
            print(f"{digest} was so already")
        print(*(_line(one) for one in acts.list_references(services) if one.digest == digest), sep="\n")
    return 0


def _stale(_: argparse.Namespace) -> int:
    from astrid_core.bootstrap import migrate_database, open_services
    from astrid_core.stages.reference_status import list_stale

    migrate_database()
    with open_services() as services:
        for one in list_stale(services):
            print(f"{one.observation_id}  {one.run}  {one.reference_digest[:12]}  {one.status.value}")
    return 0


def _line(one: "ReferenceImage") -> str:
    thin = ", thin" if one.is_thin else ""
    without = f", without {one.leaves_out}" if one.leaves_out else ""
    return (
        f"{one.digest[:12]}  {one.status.value:11s} {one.survey} {one.family} {one.cell} {one.instrument or '-'} "
        f"{one.band} v{one.version}: {len(one.inputs)} exposures of {len(one.nights)} nights{thin}, "
        f"FWHM {one.fwhm_pix:.2f} pix, sky rms {one.sky_rms:.4g}{without}"
    )
