"""``astrid observation``: what became of exposures, and what people decide about them."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from astrid_core.stages.services import Services

_ACTIONS = ("show", "quarantine", "release", "reprocess")


def add_commands(choose: Any) -> None:
    """Add the command."""
    parser = choose.add_parser(
        "observation",
        help="show, quarantine, release or reprocess exposures",
        description="quarantine: not planned, shown to people or published until it is released; its runs stay. "
        "reprocess: pending again under the same settings. Without an exposure, --survey and --instrument name all "
        "exposures of an instrument, those to come included (quarantine and release only).",
        allow_abbrev=False,
    )
    parser.add_argument("action", choices=_ACTIONS)
    parser.add_argument("observations", nargs="*", metavar="OBSERVATION", help="survey:path")
    parser.add_argument("--survey", metavar="NAME")
    parser.add_argument("--instrument", metavar="NAME", help="as the observations name it")
    parser.add_argument("--reason", default="", metavar="TEXT", help="kept on record; quarantine needs one")
    parser.add_argument("--as", dest="login", metavar="LOGIN", help="who decides; default ASTRID_ACTOR")
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Do it to one exposure after the other, each on record by itself."""
    from astrid_core.bootstrap import migrate_database, open_services
    from astrid_core.settings import Settings

    is_of_instrument = bool(arguments.survey and arguments.instrument)
    if is_of_instrument == bool(arguments.observations):
        raise ValueError("name exposures, or --survey and --instrument")
    if arguments.action == "quarantine" and not arguments.reason.strip():
        raise ValueError("a quarantine needs --reason")
    migrate_database()
    settings = Settings(actor=arguments.login) if arguments.login else Settings()
    with open_services(settings) as services:
        lines = _instrument(services, arguments) if is_of_instrument else _observations(services, arguments)
        for line in lines:
            print(line)
    return 0


def _instrument(services: "Services", arguments: argparse.Namespace) -> Iterator[str]:
    from astrid_core.stages.ingest import survey_client
    from astrid_core.stages.lifecycle import quarantine_instrument, release_instrument

    if arguments.action not in ("quarantine", "release"):
        message = f"{arguments.action} wants exposures, not an instrument"
        raise ValueError(message)
    survey_client(services, arguments.survey)
    act = quarantine_instrument if arguments.action == "quarantine" else release_instrument
    changed = act(services, arguments.survey, arguments.instrument, reason=arguments.reason)
    yield f"{arguments.survey}/{arguments.instrument}: {_outcome(arguments.action, changed=changed)}"


def _observations(services: "Services", arguments: argparse.Namespace) -> Iterator[str]:
    from astrid_core.stages import lifecycle

    for name in arguments.observations:
        if arguments.action == "show":
            yield from _shown(services, name)
        elif arguments.action == "reprocess":
            number = lifecycle.reprocess_observation(services, name, reason=arguments.reason)
            yield f"{name}: " + ("is pending already" if number is None else f"pending again, round {number}")
        else:
            quarantine = arguments.action == "quarantine"
            act = lifecycle.quarantine_observation if quarantine else lifecycle.release_observation
            changed = act(services, name, reason=arguments.reason)
            yield f"{name}: {_outcome(arguments.action, changed=changed)}"


def _outcome(action: str, *, changed: bool) -> str:
    if action == "quarantine":
        return "in quarantine" if changed else "in quarantine already"
    return "released" if changed else "was not in quarantine by itself"


def _shown(services: "Services", name: str) -> Iterator[str]:
    from astrid_core.stages.lifecycle import show_observation

    state = show_observation(services, name)
    seen = state.observation
    yield f"{name}  night {seen.night}  {seen.band or 'no band'}  {seen.exposure_s:g} s  {seen.instrument}"
    yield f"  {'active' if state.quarantine is None else f'in quarantine: {state.quarantine.told}'}"
    yield f"  round {state.processing_round}; {state.n_searched} searches, {state.n_published} points in the catalog"
    for run in state.preparations:
        yield f"  {run.key}  round {run.processing_round}  {run.status.value}  {run.reason}".rstrip()
