"""Train the network that comes with the code, and put it where it is read: ``python -m benchmarks.detector_baseline``.

To be run again when ``tests/adapters/test_models_baseline.py`` says that it no longer belongs to today's code.
"""

import argparse
import tempfile
from pathlib import Path

from astrid_core.adapters.models.baseline import write_shipped
from astrid_core.bootstrap import load_pipeline, open_models, training_frames
from astrid_core.detection.evaluate import shortfalls
from astrid_core.settings import Settings
from astrid_core.stages.train import train_network
from benchmarks.detector_real import labelled_ztf
from benchmarks.real_pairs import series_frames


def main() -> None:
    """Train by the recipe of today's settings; refuse a network that misses a floor."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="default: beside the code that reads it")
    parser.add_argument(
        "--real",
        type=Path,
        required=True,
        help="folder of the real data: half of its ZTF triplets and a few of its exposures are learnt from, too",
    )
    arguments = parser.parse_args()
    pipeline = load_pipeline()
    with tempfile.TemporaryDirectory(prefix="astrid_baseline_") as work:
        models = open_models(Settings(home=Path(work)))
        trained = train_network(
            models,
            pipeline.train,
            training_frames(pipeline),
            real=[labelled_ztf(arguments.real / "ztf-triplets")],
            injected=series_frames(arguments.real, pipeline),
            progress=print,
        )
    missed = shortfalls(trained.metrics, pipeline.train)
    if missed:
        raise SystemExit("not shipped: " + "; ".join(missed))
    print(write_shipped(trained, arguments.out))
    print({name: round(value, 4) for name, value in trained.metrics.items()})


if __name__ == "__main__":
    main()
