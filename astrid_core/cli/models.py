"""``astrid models``: which networks there are, and which of them is used."""

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from astrid_core.detection.entities import Model, ModelAlias
    from astrid_core.detection.ports import ModelRegistry

Aliases = dict[str, list[str]]


def add_commands(choose: Any) -> None:
    """Add the command."""
    text = "list the registered networks with what was measured of them, or decide which is used"
    parser = choose.add_parser("models", help=text, description=text, allow_abbrev=False)
    parser.add_argument("--json", action="store_true", help="print a machine-readable list")
    parser.set_defaults(command=models)
    acts = parser.add_subparsers(dest="act", metavar="ACT")
    text = "hold a version against the champion, on frames that neither has seen"
    one = acts.add_parser("gate", help=text, description=text, allow_abbrev=False)
    one.add_argument("model", metavar="NAME/VERSION", help="as listed")
    one.set_defaults(command=gate)
    for act, text in (
        ("promote", "use a version from now on; the champion before it is the one to go back to"),
        ("rollback", "take the champion out of use: the version before it is the champion again"),
        ("quarantine", "mark a version as wrong for good; a champion is rolled back in the same act"),
    ):
        one = acts.add_parser(act, help=text, description=text, allow_abbrev=False)
        one.add_argument("model", metavar="NAME/VERSION", help="as listed")
        one.add_argument("--reason", required=True, help="why; goes on record")
        one.add_argument("--as", dest="login", metavar="LOGIN", required=True, help="who decides: a curator")
        one.set_defaults(command=change)


def models(arguments: argparse.Namespace) -> int:
    """List every version, oldest first, with its aliases."""
    from astrid_core.bootstrap import open_models
    from astrid_core.detection.config import MODEL_NAME

    registry = open_models()
    versions = registry.versions(MODEL_NAME)
    aliases = _aliases(registry, versions)
    if arguments.json:
        print(json.dumps([{**facts_of(one), "aliases": aliases[one.id]} for one in versions], indent=2))
        return 0
    if not versions:
        print("no network is registered; astrid train makes one")
    for one in versions:
        print("  ".join([line_of(one), *aliases[one.id]]))
    return 0


def gate(arguments: argparse.Namespace) -> int:
    """Compare, and print every number."""
    from astrid_core.bootstrap import load_pipeline, migrate_database, open_services, training_frames
    from astrid_core.stages.gate import gate_settings, run_gate

    pipeline = load_pipeline()
    settings = gate_settings(pipeline.gate, pipeline.train)
    frames = training_frames(dataclasses.replace(pipeline, train=settings))
    migrate_database()
    with open_services() as services:
        result = run_gate(services, arguments.model, pipeline.gate, settings, frames, progress=_say)
    print(result.table())
    return 0


def change(arguments: argparse.Namespace) -> int:
    """Promote, roll back or set aside."""
    from astrid_core.bootstrap import migrate_database, open_services
    from astrid_core.settings import Settings
    from astrid_core.stages import promote as acts

    choices: dict[str, Callable[..., object]] = {
        "promote": acts.run_promote,
        "rollback": acts.run_rollback,
        "quarantine": acts.run_quarantine,
    }
    migrate_database()
    with open_services(Settings(actor=arguments.login)) as services:
        choices[arguments.act](services, arguments.model, login=arguments.login, reason=arguments.reason)
        name = services.models.get(arguments.model).name
        print(*(f"{alias.value}  {model.id}" for alias, model in services.models.aliases(name).items()), sep="\n")
    return 0


def _aliases(registry: "ModelRegistry", versions: "Iterable[Model]") -> Aliases:
    from astrid_core.detection.config import MODEL_NAME
    from astrid_core.stages.promote import QUARANTINED

    held: Mapping[ModelAlias, Model] = registry.aliases(MODEL_NAME)
    return {
        one.id: [
            *(alias.value for alias, model in held.items() if model.id == one.id),
            *([QUARANTINED] if QUARANTINED in registry.notes(one) else []),
        ]
        for one in versions
    }


def facts_of(model: "Model") -> dict[str, object]:
    """Return what is known of a version, for machines."""
    return {"model": model.id, "digest": model.digest, "metrics": dict(model.metrics)}


def line_of(model: "Model") -> str:
    """Say what was measured, with denominators."""
    measured = model.metrics
    parts = [
        f"accepts {measured['n_accepted_bright']:.0f} of {measured['n_real_bright']:.0f} real candidates above 8 sigma",
        f"{measured['n_false_accepted']:.0f} of {measured['n_false']:.0f} false ones above 5 sigma",
        f"on {measured['searched_mpix']:.1f} Mpix of test frames",
        *(
            f"{name.upper()} {measured[key]:.3f}"
            for name, key in (("auc", "validation_auc"), ("ece", "ece"))
            if key in measured
        ),
    ]
    return f"{model.id}  {', '.join(parts)}"


def _say(text: str) -> None:
    print(text, file=sys.stderr)
