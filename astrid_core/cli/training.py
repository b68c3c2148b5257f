"""``astrid train``: make a network."""

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any


def add_commands(choose: Any) -> None:
    """Add the commands."""
    text = (
        "train a network on simulated frames and register it; a good one becomes the challenger, the first the champion"
    )
    parser = choose.add_parser(
        "train",
        help=text,
        description=f"{text}. The same settings give the same version: nothing is trained twice.",
        allow_abbrev=False,
    )
    parser.add_argument("--seed", type=int, metavar="N", help="default: from the science settings")
    parser.add_argument("--frames", type=int, metavar="N", help="simulated pairs; default: from the science settings")
    parser.add_argument(
        "--real",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="npz file of real triplets (arrays triplets, is_real: 1, 0 or -1 for unknown, group) to learn from, too: "
        "from one half of the groups, while the other measures; may be repeated",
    )
    parser.add_argument(
        "--verdicts", action="store_true", help="learn from what curators have said, too, split like --real"
    )
    parser.add_argument(
        "--night",
        action="append",
        default=[],
        metavar="NIGHT",
        help="learn, too, from the exposures of this night with sources put into them; may be repeated",
    )
    parser.add_argument(
        "--shipped",
        action="store_true",
        help="train nothing: where there is no champion yet, the network that comes with astrid becomes it",
    )
    parser.add_argument("--json", action="store_true", help="print a machine-readable summary")
    parser.set_defaults(command=train)


def train(arguments: argparse.Namespace) -> int:
    """Train, register and offer a network."""
    from astrid_core.bootstrap import load_pipeline, migrate_database, open_services, training_frames
    from astrid_core.cli.models import facts_of, line_of
    from astrid_core.detection.injected_search import InjectedConfig
    from astrid_core.detection.real_triplets import read_labelled
    from astrid_core.stages.gate import gate_settings
    from astrid_core.stages.injected_frames import frames_of_nights
    from astrid_core.stages.train import run_adopt, run_train
    from astrid_core.stages.verdicts import verdict_triplets

    pipeline = load_pipeline()
    given = {"seed": arguments.seed, "n_frames": arguments.frames}
    config = dataclasses.replace(pipeline.train, **{name: value for name, value in given.items() if value is not None})
    pipeline = dataclasses.replace(pipeline, train=config)
    real = [read_labelled(path) for path in arguments.real]
    # Refused now rather than when hours later the gate finds that its frames were learnt from.
    gate_settings(pipeline.gate, config)
    migrate_database()
    with open_services() as services:
        if arguments.shipped:
            model = run_adopt(services)
        else:
            said = verdict_triplets(services) if arguments.verdicts else None
            real += [said] if said is not None else []
            injected = frames_of_nights(
                services,
                arguments.night,
                InjectedConfig.of(config, pipeline.inject, pipeline.preprocess, pipeline.difference),
            )
            model = run_train(services, config, training_frames(pipeline), real=real, injected=injected, progress=_say)
    print(json.dumps(facts_of(model), indent=2) if arguments.json else line_of(model))
    return 0


def _say(text: str) -> None:
    print(text, file=sys.stderr)
