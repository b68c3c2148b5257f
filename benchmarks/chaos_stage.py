"""Where chaos runs take place: a prepared survey, a store of its own and a disk of its own for each."""

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.chaos_faults import mount, unmount
from include.local.home import Home
from tests.end_to_end.living import told_by_demo
from tests.end_to_end.small import SURVEY, small_survey, with_references
from tests.fakes.failing_s3 import FailingS3

ROOM_BYTES = 2**30
"""Free on the disk of a system before it is filled."""


@contextlib.contextmanager
def environment(**changes: str) -> Iterator[None]:
    """Change our own environment, which all processes started here get."""
    before = dict(os.environ)
    os.environ.update(changes)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where it all happens."""

    folder: Path
    store: FailingS3
    objects: Mapping[str, bytes]
    """What the store holds before the night."""
    survey: Path
    prepared: Home

    def fresh_bucket(self, name: str) -> None:
        """Make a bucket with what is there before the night."""
        client = self.store.client()
        client.create_bucket(Bucket=name)
        for key, content in self.objects.items():
            client.put_object(Bucket=name, Key=key, Body=content)


@contextlib.contextmanager
def prepared_in(folder: Path) -> Iterator[Stage]:
    """Yield a small survey with its references, made on the first time."""
    if not (folder / "demo").exists():
        told_by_demo(folder / "demo")
    mlflow = {"uri": f"sqlite:///{folder / 'demo' / 'mlflow.sqlite'}", "artifacts": str(folder / "demo" / "models")}
    with FailingS3() as store, environment(
        ASTRID_S3_ENDPOINT_URL=store.url, ASTRID_S3_ACCESS_KEY_ID="test", ASTRID_S3_SECRET_ACCESS_KEY="test",  # noqa: S106 - the server takes any
        ASTRID_MLFLOW_URI=mlflow["uri"], ASTRID_MLFLOW_ARTIFACTS=mlflow["artifacts"],
    ):  # fmt: skip
        kept = folder / "objects"
        client = store.client()
        if not kept.exists():
            client.create_bucket(Bucket="prepared")
            small_survey(folder / SURVEY)
            with environment(ASTRID_ARTIFACTS="s3://prepared"):
                with_references(folder / "prepared", folder / SURVEY)
            kept.mkdir()
            for one in client.list_objects_v2(Bucket="prepared")["Contents"]:
                content = client.get_object(Bucket="prepared", Key=one["Key"])["Body"].read()
                (kept / one["Key"].replace("/", ":")).write_bytes(content)
        objects = {path.name.replace(":", "/"): path.read_bytes() for path in kept.iterdir()}
        prepared = Home.open(folder / "prepared")
        yield Stage(folder=folder, store=store, objects=objects, survey=folder / SURVEY, prepared=prepared)


@contextlib.contextmanager
def disk(folder: Path, like: Path) -> Iterator[bool]:
    """Make an empty folder, on a disk of its own where we may; tell whether it is."""
    n_bytes = ROOM_BYTES + sum(path.stat().st_size for path in like.rglob("*") if path.is_file())
    folder.mkdir()
    is_own = mount(folder, n_bytes=n_bytes)
    try:
        yield is_own
    finally:
        if is_own:
            unmount(folder)
        shutil.rmtree(folder)
