"""Trained networks in an MLflow registry, by version and alias."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from astrid_core.adapters.models.content import digest_of
from astrid_core.adapters.models.mlflow_client import name_and_version, open_client
from astrid_core.adapters.models.mlflow_errors import translated
from astrid_core.adapters.models.mlflow_files import read_file
from astrid_core.adapters.models.mlflow_runs import MANIFEST, MODEL, log_training
from astrid_core.adapters.models.pyfunc import NETWORK
from astrid_core.detection.config import TrainConfig
from astrid_core.detection.entities import Model, ModelAlias
from astrid_core.detection.ports import Network, Scorer, TrainedNetwork
from astrid_core.detection.training_set import TrainingSet
from astrid_core.shared.errors import CorruptArtifact, UnknownModel
from astrid_core.shared.runs import RunKey

_OWN_TAGS = {"digest", "recipe", "metrics"}
_EXISTS = "RESOURCE_ALREADY_EXISTS"


class MlflowModels:
    """``tracking_uri`` is SQLite, PostgreSQL or a server; ``artifact_root`` a folder or s3://bucket/prefix;
    ``checkpoints`` a folder of this machine, for trainings that are not finished.

    Importing MLflow takes a second or two and TensorFlow five, so both wait until they are needed.
    """

    def __init__(self, *, tracking_uri: str, artifact_root: str, checkpoints: Path) -> None:
        self._tracking_uri = tracking_uri
        self._checkpoints = checkpoints
        self._artifact_root = artifact_root
        self._loaded: dict[str, Scorer] = {}
        self._opened: Any = None

    def champion(self, name: str) -> Model:
        """Return the version that production uses, or raise UnknownModel."""
        with translated("no model is registered", name=name):
            version = self._client.get_registered_model(name).aliases.get(ModelAlias.CHAMPION.value)
            if version is None:
                raise UnknownModel("no version is the champion", name=name)
            return self._model(self._client.get_model_version(name, version))

    def get(self, model_id: str) -> Model:
        """Return ``name/version`` without loading it, or raise UnknownModel."""
        return self._model(self._entry(model_id))

    def versions(self, name: str) -> Sequence[Model]:
        """Return every version, oldest first; empty if the name is unknown."""
        with translated("registry cannot be searched", name=name):
            found = _every_page(lambda token: self._client.search_model_versions(f"name='{name}'", page_token=token))
            return tuple(self._model(one) for one in sorted(found, key=lambda one: int(one.version)))

    def find(self, name: str, recipe: RunKey) -> Model | None:
        """Return the oldest version that was trained by ``recipe``, or None."""
        wanted = f"name='{name}' and tags.recipe='{recipe}'"
        with translated("registry cannot be searched", name=name):
            found = _every_page(lambda token: self._client.search_model_versions(wanted, page_token=token))
            return self._model(min(found, key=lambda one: int(one.version))) if found else None

    def manifest(self, model_id: str) -> Mapping[str, object]:
        """Return what ``name/version`` was registered with; raise UnknownModel, or MissingArtifact if it is lost."""
        folder = self._entry(model_id).source.rpartition("/")[0]
        content = read_file(f"{folder}/{MANIFEST}", tracking_uri=self._tracking_uri, what="manifest", model=model_id)
        found: dict[str, object] = json.loads(content)
        return found

    def load(self, model_id: str) -> Scorer:
        """Load ``name/version`` once per process; raise UnknownModel, or CorruptArtifact for altered bytes."""
        if model_id not in self._loaded:
            from astrid_core.adapters.models.network import UNetScorer, read_network  # noqa: PLC0415 - imports TensorFlow

            entry = self._entry(model_id)
            content = self._content(entry, model_id)
            self._loaded[model_id] = UNetScorer(self._model(entry), read_network(content))
        return self._loaded[model_id]

    def shipped(self) -> TrainedNetwork:
        """Return the network that comes with this code; raise UnknownModel where it was made for other stamps."""
        from astrid_core.adapters.models.baseline import read_shipped  # noqa: PLC0415 - imports TensorFlow

        return read_shipped()

    def train(
        self,
        sets: TrainingSet,
        config: TrainConfig,
        *,
        recipe: RunKey,
        progress: Callable[[str], None],
    ) -> Network:
        """Train a U-Net; the same examples and settings give the same network, killed in between or not."""
        from astrid_core.adapters.models.checkpoint import Checkpoint  # noqa: PLC0415
        from astrid_core.adapters.models.training import train_unet  # noqa: PLC0415 - imports TensorFlow

        checkpoint = Checkpoint(path=self._checkpoints / f"{recipe}.npz", recipe=recipe)
        network = train_unet(sets, config, progress=progress, checkpoint=checkpoint)
        checkpoint.remove()
        return network

    def register(
        self,
        name: str,
        network: Network,
        *,
        recipe: RunKey,
        parameters: Mapping[str, object],
        metrics: Mapping[str, float],
        manifest: Mapping[str, object],
        notes: Mapping[str, str] | None = None,
    ) -> Model:
        """Keep a network as the next version of ``name``, with what it was made from and what is noted on it."""
        digest = digest_of(network.content)
        with translated("network cannot be registered", name=name):
            run = self._client.create_run(self._experiment(name), run_name=recipe)
            log_training(self._client, run.info.run_id, network, parameters, metrics, manifest)
            self._ensure_name(name)
            entry = self._client.create_model_version(
                name,
                source=f"{run.info.artifact_uri}/{MODEL}",
                run_id=run.info.run_id,
                tags={**(notes or {}), "digest": digest, "recipe": recipe, "metrics": _as_json(metrics)},
            )
            self._client.set_terminated(run.info.run_id)
            return self._model(entry)

    def aliases(self, name: str) -> Mapping[ModelAlias, Model]:
        """Return what the versions of ``name`` are used for; empty if the name is unknown."""
        try:
            with translated("no model is registered", name=name):
                held = self._client.get_registered_model(name).aliases
        except UnknownModel:
            return {}
        return {alias: self.get(f"{name}/{held[alias]}") for alias in ModelAlias if alias in held}

    def assign(self, alias: ModelAlias, model: Model) -> None:
        """Give an alias to a version, and take it from the one that had it; UnknownModel if there is none."""
        with translated("registry has no such version", model=model.id):
            self._client.set_registered_model_alias(model.name, alias.value, str(model.version))

    def withdraw(self, alias: ModelAlias, name: str) -> None:
        """Take an alias from whatever version holds it; nothing happens where none does."""
        if alias in self.aliases(name):
            with translated("no version has this alias", name=name, alias=alias.value):
                self._client.delete_registered_model_alias(name, alias.value)

    def note(self, model: Model, notes: Mapping[str, str]) -> None:
        """Write notes on a version, each over an earlier one of the same name; UnknownModel if there is none."""
        with translated("registry has no such version", model=model.id):
            for name, text in notes.items():
                self._client.set_model_version_tag(model.name, str(model.version), name, text)

    def notes(self, model: Model) -> Mapping[str, str]:
        """Return what was noted on a version, or raise UnknownModel."""
        tags = self._entry(model.id).tags
        return {name: text for name, text in tags.items() if name not in _OWN_TAGS}

    @property
    def _client(self) -> Any:
        if self._opened is None:
            if self._tracking_uri.startswith("sqlite:///"):
                Path(self._tracking_uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
            self._opened = open_client(self._tracking_uri)
        return self._opened

    def _entry(self, model_id: str) -> Any:
        name, version = name_and_version(model_id)
        with translated("registry has no such version", model=model_id):
            return self._client.get_model_version(name, version)

    def _experiment(self, name: str) -> str:
        from mlflow.exceptions import MlflowException  # noqa: PLC0415

        known = self._client.get_experiment_by_name(name)
        if known is not None:
            return str(known.experiment_id)
        try:
            return str(self._client.create_experiment(name, artifact_location=self._artifact_root))
        except MlflowException as error:
            if error.error_code != _EXISTS:
                raise
            return str(self._client.get_experiment_by_name(name).experiment_id)

    def _ensure_name(self, name: str) -> None:
        from mlflow.exceptions import MlflowException  # noqa: PLC0415

        try:
            self._client.create_registered_model(name, description="Scores candidates: the chance of being new.")
        except MlflowException as error:
            if error.error_code != _EXISTS:
                raise

    def _content(self, entry: Any, model_id: str) -> bytes:
        # Versions of before there was a model around the network name the file itself.
        source = entry.source if entry.source.endswith(".npz") else f"{entry.source}/{NETWORK}"
        content = read_file(source, tracking_uri=self._tracking_uri, what="network", model=model_id)
        digest = digest_of(content)
        if digest != entry.tags["digest"]:
            raise CorruptArtifact(
                "network is not the one registered", model=model_id, digest=digest, registered=entry.tags["digest"]
            )
        return content

    def _model(self, entry: Any) -> Model:
        return Model(
            name=entry.name,
            version=int(entry.version),
            digest=entry.tags["digest"],
            metrics=json.loads(entry.tags["metrics"]),
        )


def _as_json(metrics: Mapping[str, float]) -> str:
    return json.dumps(dict(metrics), sort_keys=True)


def _every_page(ask: Callable[[str | None], Any]) -> list[Any]:
    found, token = [], None
    while True:
        page = ask(token)
        found += page
        token = page.token
        if not token:
            return found
