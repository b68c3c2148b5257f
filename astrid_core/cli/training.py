"""``astrid train`` and ``astrid models``: make a network, and see which there are."""

import argparse
import dataclasses
import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from astrid_core.detection.entities import Model


def add_commands(choose: Any) -> None:
    """Add the commands."""
    text = "train a network on simulated frames, register it and make it the champion if it is good enough"
    parser = choose.add_parser(
        "train",
        help=text,
        description=f"{text}. The same settings give the same version: nothing is trained twice.",
        allow_abbrev=False,
    )
    parser.add_argument("--seed", type=int, metavar="N", help="default: from the science settings")
    parser.add_argument("--frames", type=int, metavar="N", help="simulated pairs; default: from the science settings")
    parser.add_argument(
        "--shipped",
        action="store_true",
        help="train nothing: where there is no champion yet, the network that comes with astrid becomes it",
    )
    parser.add_argument("--json", action="store_true", help="print a machine-readable summary")
    parser.set_defaults(command=train)
    text = "list the registered networks with what was measured of them"
    parser = choose.add_parser("models", help=text, description=text, allow_abbrev=False)
    parser.add_argument("--json", action="store_true", help="print a machine-readable list")
    parser.set_defaults(command=models)


def train(arguments: argparse.Namespace) -> int:
    """Train, register and promote a network."""
    from astrid_core.bootstrap import load_pipeline, migrate_database, open_services, training_frames
    from astrid_core.stages.train import run_adopt, run_train

    pipeline = load_pipeline()
    given = {"seed": arguments.seed, "n_frames": arguments.frames}
    config = dataclasses.replace(pipeline.train, **{name: value for name, value in given.items() if value is not None})
    pipeline = dataclasses.replace(pipeline, train=config)
    migrate_database()
    with open_services() as services:
        if arguments.shipped:
            model = run_adopt(services)
        else:
            model = run_train(services, config, training_frames(pipeline), progress=_say)
    print(json.dumps(_facts(model), indent=2) if arguments.json else _line(model))
    return 0


def models(arguments: argparse.Namespace) -> int:
    """List every version, oldest first; the champion is marked."""
    from astrid_core.bootstrap import open_models
    from astrid_core.detection.config import MODEL_NAME
    from astrid_core.shared.errors import UnknownModel

    registry = open_models()
    versions = registry.versions(MODEL_NAME)
    try:
        champion = registry.champion(MODEL_NAME).id
    except UnknownModel:
        champion = ""
    if arguments.json:
        print(json.dumps([{**_facts(one), "champion": one.id == champion} for one in versions], indent=2))
        return 0
    if not versions:
        print("no network is registered; astrid train makes one")
    for one in versions:
        print(f"{'*' if one.id == champion else ' '} {_line(one)}")
    return 0


def _facts(model: "Model") -> dict[str, object]:
    return {"model": model.id, "digest": model.digest, "metrics": dict(model.metrics)}


def _line(model: "Model") -> str:
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
