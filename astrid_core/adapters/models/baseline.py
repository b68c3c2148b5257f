"""The network that comes with the code: weights trained by it, beside the recipe and figures of that training."""

import json
from importlib.resources import files
from pathlib import Path

from astrid_core.adapters.models.content import digest_of
from astrid_core.adapters.models.network import read_network
from astrid_core.detection.ports import TrainedNetwork
from astrid_core.shared.errors import CorruptArtifact, UnknownModel
from astrid_core.shared.runs import RunKey

_FOLDER = "baseline"
_WEIGHTS, _MANIFEST = "network.npz", "manifest.json"


def read_shipped() -> TrainedNetwork:
    """Return the shipped network.

    Raises UnknownModel where there is none for today's stamps, and CorruptArtifact for altered bytes.
    """
    folder = files(__package__).joinpath(_FOLDER)
    try:
        manifest = json.loads(folder.joinpath(_MANIFEST).read_text())
        content = folder.joinpath(_WEIGHTS).read_bytes()
    except FileNotFoundError as error:
        raise UnknownModel("no network comes with this code; astrid train makes one") from error
    if digest_of(content) != manifest["digest"]:
        raise CorruptArtifact("shipped network is not the one of its manifest", digest=digest_of(content))
    return TrainedNetwork(
        network=read_network(content),
        recipe=RunKey(manifest["recipe"]),
        parameters=manifest["parameters"],
        metrics=manifest["metrics"],
        manifest=manifest["made_from"],
    )


def write_shipped(trained: TrainedNetwork, folder: Path | None = None) -> Path:
    """Write a network and its manifest to where ``read_shipped`` looks; return the folder."""
    target = folder or Path(str(files(__package__).joinpath(_FOLDER)))
    target.mkdir(parents=True, exist_ok=True)
    content = trained.network.content
    (target / _WEIGHTS).write_bytes(content)
    facts = {
        "digest": digest_of(content),
        "recipe": trained.recipe,
        "parameters": trained.parameters,
        "metrics": trained.metrics,
        "made_from": trained.manifest,
    }
    (target / _MANIFEST).write_text(json.dumps(facts, indent=2, sort_keys=True) + "\n")
    return target
