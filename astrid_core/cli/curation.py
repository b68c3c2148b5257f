"""``astrid review``, ``agreement`` and ``seed``: verdicts from a shell, how far they agree, and what measures them."""

import argparse
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

if TYPE_CHECKING:
    from astrid_core.curation.agreement import Confusion
    from astrid_core.curation.entities import ReviewItem
    from astrid_core.stages.services import Services

_VERDICTS = ("real", "bogus", "unsure")


def add_commands(choose: Any) -> None:
    """Add the commands."""
    review = choose.add_parser(
        "review",
        help="list what waits for a verdict, record one, or take one back",
        description="Without a detection: what lacks votes, highest score first. With one: what was said of it, or "
        "with --verdict a verdict on it; an earlier verdict of the same curator is superseded, never erased.",
        allow_abbrev=False,
    )
    review.add_argument("detection", nargs="?", metavar="DETECTION", help="as listed")
    review.add_argument("--verdict", choices=_VERDICTS)
    review.add_argument("--as", dest="login", metavar="LOGIN", help="who judges")
    review.add_argument("--reason", default="", metavar="WORD", help="why; --reasons lists the words")
    review.add_argument("--comment", default="")
    review.add_argument("--confidence", type=int, choices=(1, 2, 3), help="1 is a guess, 3 is certain")
    review.add_argument("--arbitrate", action="store_true", help="settle what others disagree about; alone: list it")
    review.add_argument("--undo", type=UUID, metavar="VERDICT", help="take back a verdict of yours")
    review.add_argument("--undo-batch", type=UUID, metavar="BATCH", help="take back what you said in one act")
    review.add_argument("--reasons", action="store_true", help="list the reasons for each verdict")
    review.add_argument("--limit", type=int, default=20)
    review.set_defaults(command=run_review)

    agreement = choose.add_parser(
        "agreement",
        help="tell how far curators agree, and how often each is right",
        description="Kappa and alpha of independent votes, and each curator against seeds and final verdicts.",
        allow_abbrev=False,
    )
    agreement.add_argument("--night", metavar="YYYY-MM-DD", help="all nights without it")
    agreement.set_defaults(command=run_agreement)

    seed = choose.add_parser(
        "seed",
        help="show curators a detection whose answer is known",
        description="It is given to curators among the others. Verdicts on it measure them and count nowhere else.",
        allow_abbrev=False,
    )
    seed.add_argument("detection", metavar="DETECTION")
    seed.add_argument("--answer", choices=_VERDICTS[:2], required=True)
    seed.add_argument("--origin", metavar="TEXT", required=True, help="where the answer is from")
    seed.add_argument("--as", dest="login", metavar="LOGIN", required=True, help="who knows; an arbiter")
    seed.set_defaults(command=run_seed)


def run_review(arguments: argparse.Namespace) -> int:
    """List, judge or take back."""
    from astrid_core.bootstrap import migrate_database, open_services
    from astrid_core.stages.review import verdicts_of, withdraw
    from astrid_core.stages.review_queue import arbitration_queue, list_pending

    if arguments.reasons:
        return _print_reasons()
    acts = arguments.verdict or arguments.undo or arguments.undo_batch or arguments.arbitrate
    if acts and not arguments.login:
        raise ValueError("a verdict needs --as LOGIN")
    migrate_database()
    with open_services() as services:
        if arguments.undo or arguments.undo_batch:
            undone = withdraw(
                services,
                event_id=arguments.undo,
                batch=arguments.undo_batch,
                login=arguments.login,
                at=datetime.now(UTC),
            )
            for event in undone:
                print(f"{event.detection_id}  now {event.verdict.value} by {event.curator}")
        elif arguments.verdict is not None and arguments.detection is not None:
            _judge(services, arguments)
        elif arguments.detection is not None:
            for event in verdicts_of(services, arguments.detection):
                words = (event.role.value, event.verdict.value, event.reason, event.comment)
                print(f"{event.at.isoformat()}  {event.id}  {event.curator}  " + "  ".join(filter(None, words)))
        elif arguments.arbitrate:
            _print_items(arbitration_queue(services, login=arguments.login, limit=arguments.limit))
        else:
            _print_items(list_pending(services, limit=arguments.limit))
    return 0


def run_agreement(arguments: argparse.Namespace) -> int:
    """Print kappa, alpha and what each curator is worth."""
    from astrid_core.bootstrap import migrate_database, open_services
    from astrid_core.stages.review_agreement import agreement_of

    migrate_database()
    with open_services() as services:
        found = agreement_of(services, arguments.night)
    print(f"{found.n_votes} votes on {found.n_detections} detections")
    print(f"Fleiss kappa {_number(found.fleiss_kappa)}, Krippendorff alpha {_number(found.krippendorff_alpha)}")
    for (one, other), kappa in found.cohen_kappa.items():
        print(f"{one} and {other}: Cohen kappa {_number(kappa)} of {found.n_both[one, other]} detections")
    for what, by_curator in (("seeds", found.against_seeds), ("final verdicts", found.against_final)):
        for curator, counted in by_curator.items():
            print(f"{curator} against {what}: {_parts(counted)}")
    for curator, bins in found.completeness.items():
        parts = [
            f"S/N {one.low:g} to {one.high:g}: {one.n_recovered} of {one.n_injected}" for one in bins if one.n_injected
        ]
        print(f"{curator} of injected sources: {', '.join(parts)}")
    return 0


def run_seed(arguments: argparse.Namespace) -> int:
    """Plant a seed."""
    from astrid_core.bootstrap import migrate_database, open_services
    from astrid_core.curation.entities import Verdict
    from astrid_core.stages.seeds import plant_seed

    migrate_database()
    with open_services() as services:
        is_new = plant_seed(
            services,
            detection_id=arguments.detection,
            answer=Verdict(arguments.answer),
            origin=arguments.origin,
            login=arguments.login,
        )
    print(f"{arguments.detection} is a seed" + ("" if is_new else " already"))
    return 0


def _judge(services: "Services", arguments: argparse.Namespace) -> None:
    from astrid_core.curation.access import Role
    from astrid_core.curation.entities import Verdict
    from astrid_core.stages.review import record_verdict

    event = record_verdict(
        services,
        event_id=uuid4(),
        detection_id=arguments.detection,
        login=arguments.login,
        verdict=Verdict(arguments.verdict),
        reason=arguments.reason,
        comment=arguments.comment,
        confidence=arguments.confidence,
        role=Role.ARBITER if arguments.arbitrate else Role.REVIEWER,
        at=datetime.now(UTC),
    )
    print(f"recorded {event.verdict.value} by {event.curator} as {event.id}")


def _print_items(items: "tuple[ReviewItem, ...]") -> None:
    for one in items:
        score = "unscored" if one.score is None else f"{one.score:.3f}"
        votes = f"{one.n_given} of {one.n_needed} votes"
        print(f"{one.detection_id}  {score}  {votes}  {one.survey} {one.night} {one.band}")
    print(f"{len(items)} shown" + ("" if items else ": nothing waits for a verdict"))


def _print_reasons() -> int:
    from astrid_core.curation.vocabulary import CURRENT

    for verdict, terms in CURRENT.reasons.items():
        for term in terms:
            print(f"{verdict.value}  {term.code}  {term.title}")
    return 0


def _parts(counted: "Confusion") -> str:
    from astrid_core.curation.entities import Verdict

    told = []
    for truth in (Verdict.REAL, Verdict.BOGUS):
        part, low, high = counted.part(truth, truth)
        interval = "" if low is None else f" ({low:.2f} to {high:.2f})"
        told.append(f"{truth.value} recognised {_number(part)}{interval}")
    return ", ".join(told)


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"
