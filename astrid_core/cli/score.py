"""``astrid score``: three small images per candidate in, a score and a class out; no database."""

import argparse
from pathlib import Path
from typing import Any


def add_commands(choose: Any) -> None:
    """Add the command."""
    parser = choose.add_parser(
        "score",
        help="score triplets of science, reference and difference; needs no database",
        description="Reads the array triplets (N x 3 x H x W: science, reference, difference; sides of 31 to 127 "
        "pixels, the candidate in the middle; NaN where nothing is known) and writes a row per triplet: score "
        "(probability of being new in the sky), uncertainty, anomaly and class, or the reason why it cannot be judged. "
        "Exit status 99: the file holds no such array.",
        allow_abbrev=False,
    )
    parser.add_argument("--triplets", required=True, type=Path, metavar="FILE.npz")
    parser.add_argument("--out", required=True, type=Path, metavar="scores.ecsv")
    parser.add_argument(
        "--model", metavar="NAME/VERSION", help="of the registry; default: the one that comes with astrid"
    )
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Score a file of triplets."""
    from astrid_core.bootstrap import load_pipeline, open_models
    from astrid_core.detection.score_table import as_ecsv, read_triplets, score_triplets

    triplets = read_triplets(arguments.triplets)
    models = open_models()
    network = models.load(arguments.model) if arguments.model else models.shipped().network
    table = score_triplets(triplets, network, load_pipeline().detect)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_bytes(as_ecsv(table))
    n_unscored = sum(bool(reason) for reason in table["reason"])
    print(f"{len(table) - n_unscored} of {len(table)} triplets scored, {n_unscored} not: {arguments.out}")
    return 0
