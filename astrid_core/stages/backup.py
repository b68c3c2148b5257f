"""Copy all that cannot be made again to another place, sealed, and bring it back; both can be broken off and repeated.

Bytes are put before the rows that name them: so a copy copies the rows first, and a restore brings them last.
"""

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import structlog

from astrid_core.curation.audit import read_head
from astrid_core.shared.artifacts import ArtifactStore, chunks, describe_file
from astrid_core.shared.backup import RECORDS, Belongings, Copied, Vault
from astrid_core.shared.errors import (
    AstridError,
    BadConfiguration,
    Conflict,
    CorruptArtifact,
    MissingArtifact,
    UnknownRecord,
)
from astrid_core.stages.audit import head_of_log, verify_log
from astrid_core.stages.services import Services

log = structlog.get_logger()

_ARTIFACTS = "artifacts"
_FORMAT = 1
_CHUNK_BYTES = 2**20

Progress = Callable[[int, int], None]
"""Told how many of how many are done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What became of a backup or a restore."""

    name: str
    n_artifacts: int
    n_new: int
    """Of them those that were not there yet."""
    left_out: tuple[str, ...] = field(default=())
    """What could not be copied, each with the reason."""


def back_up(services: Services, belongings: Belongings, vault: Vault, *, progress: Progress) -> Snapshot:
    """Make one snapshot. What is corrupt or missing is named and left out: the rest is worth keeping."""
    name = f"{datetime.now(tz=UTC):%Y%m%dT%H%M%S.%fZ}"
    head = head_of_log(services)
    parts = {part: _write_part(vault, name, part, source) for part, source in belongings.parts.items()}
    models = dict(_copy_models(vault, belongings.models))
    with services.transaction() as records:
        named = set(records.mentions.all())
    wanted = [one for one in services.artifacts.entries() if one.digest in named]
    left_out, kept, n_new = list(belongings.elsewhere), [], 0
    for number, one in enumerate(wanted, start=1):
        try:
            if not vault.holds(one.digest):
                vault.keep(one.digest, chunks(services.artifacts, one.digest))
                n_new += 1
            kept.append(f"{one.digest} {one.n_bytes}\n")
        except (CorruptArtifact, MissingArtifact) as error:
            left_out.append(f"artifact {one.digest}: {error.message}")
        progress(number, len(wanted))
    listed = _write_bytes(vault, name, _ARTIFACTS, (line.encode() for line in kept))
    manifest = {
        "format": _FORMAT, "made": name, "head": str(head or ""), "parts": parts, "models": models,
        _ARTIFACTS: listed, "left_out": left_out,
    }  # fmt: skip
    vault.finish(name, json.dumps(manifest, sort_keys=True).encode())
    with services.transaction() as records:
        facts = {"n_artifacts": len(kept), "n_new": n_new, "n_left_out": len(left_out)}
        records.events.append("backup.made", subject=name, facts=facts)
    log.info("backup.made", snapshot=name, n_artifacts=len(kept), n_new=n_new, n_left_out=len(left_out))
    return Snapshot(name=name, n_artifacts=len(kept), n_new=n_new, left_out=tuple(left_out))


def choose_snapshot(vault: Vault, name: str | None) -> str:
    """Return the snapshot of a name, the latest one without; UnknownRecord where there is none."""
    known = vault.snapshots()
    if not known or (name is not None and name not in known):
        raise UnknownRecord("no such complete snapshot", wanted=name or "any", there=", ".join(known[-5:]) or "none")
    return name or known[-1]


def bring_back(
    artifacts: ArtifactStore, belongings: Belongings, vault: Vault, name: str, *, overwrite: bool, progress: Progress
) -> Snapshot:
    """Put a snapshot in its place; every byte is verified before anything is replaced.

    Conflict where something is there already, unless it may be overwritten.
    """
    manifest = json.loads(vault.manifest(name))
    if manifest["format"] != _FORMAT:
        raise BadConfiguration("a backup of another format", snapshot=name, format=manifest["format"])
    _require_room(belongings, manifest["parts"], overwrite=overwrite)
    for part in manifest["parts"]:
        _verify_part(vault, name, part, manifest["parts"][part])
    _verify_part(vault, name, _ARTIFACTS, manifest[_ARTIFACTS])
    listed = b"".join(vault.read(name, _ARTIFACTS)).decode().splitlines()
    n_new = 0
    for number, line in enumerate(listed, start=1):
        digest = line.partition(" ")[0]
        n_new += not artifacts.contains(digest)
        _put(artifacts, digest, vault.bytes_of(digest))
        progress(number, len(listed))
    for file, digest in manifest["models"].items():
        _place(belongings.models, file, vault.bytes_of(digest))
    for part in sorted(manifest["parts"], key=lambda one: one == RECORDS):
        belongings.parts[part].take_in(vault.read(name, part))
    return Snapshot(name=name, n_artifacts=len(listed), n_new=n_new, left_out=tuple(manifest["left_out"]))


def verify_restored(services: Services, vault: Vault, name: str) -> int:
    """Return how many events the restored log holds; raise CorruptArtifact unless it is whole, up to the old head."""
    head = json.loads(vault.manifest(name))["head"]
    report = verify_log(services, kept=read_head(head) if head else None)
    if report.faults:
        first = report.faults[0]
        raise CorruptArtifact("restored log is not whole", n_faults=len(report.faults), row=first.row, why=first.why)
    with services.transaction() as records:
        records.events.append("backup.restored", subject=name)
    return report.n_events


def _write_part(vault: Vault, snapshot: str, part: str, source: Copied) -> dict[str, object]:
    with source.copy() as copied:
        return {"kind": source.kind, **_write_bytes(vault, snapshot, part, copied)}


def _write_bytes(vault: Vault, snapshot: str, part: str, content: Iterable[bytes]) -> dict[str, object]:
    seen, n_bytes = hashlib.sha256(), 0

    def passing() -> Iterator[bytes]:
        nonlocal n_bytes
        for chunk in content:
            seen.update(chunk)
            n_bytes += len(chunk)
            yield chunk

    vault.write(snapshot, part, passing())
    return {"digest": seen.hexdigest(), "n_bytes": n_bytes}


def _verify_part(vault: Vault, snapshot: str, part: str, told: Mapping[str, object]) -> None:
    seen = hashlib.sha256()
    for chunk in vault.read(snapshot, part):
        seen.update(chunk)
    if seen.hexdigest() != told["digest"]:
        raise CorruptArtifact("part of a backup does not match its digest", snapshot=snapshot, part=part)


def _copy_models(vault: Vault, folder: Path | None) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.rglob("*")) if folder and folder.is_dir() else ():
        if path.is_file():
            ref = describe_file(path, media_type="")
            if not vault.holds(ref.digest):
                vault.keep(ref.digest, _read(path))
            yield path.relative_to(str(folder)).as_posix(), ref.digest


def _require_room(belongings: Belongings, parts: Mapping[str, Mapping[str, object]], *, overwrite: bool) -> None:
    for part, told in parts.items():
        ours = belongings.parts.get(part)
        if ours is None or ours.kind != told["kind"]:
            kind = None if ours is None else ours.kind
            raise BadConfiguration(
                "a backup is restored to the kind it is of", part=part, is_of=told["kind"], here=kind
            )
        if not overwrite and not ours.is_empty():
            raise Conflict("there is something here already: nothing was restored", part=part)


def _put(artifacts: ArtifactStore, digest: str, content: Iterable[bytes]) -> None:
    with tempfile.NamedTemporaryFile(prefix="astrid-") as file:
        file.writelines(content)
        file.flush()
        found = artifacts.put_file(Path(file.name), media_type="application/octet-stream")
    if found.digest != digest:
        raise CorruptArtifact("restored bytes do not match their digest", digest=digest)


def _place(folder: Path | None, file: str, content: Iterable[bytes]) -> None:
    if folder is None:
        raise BadConfiguration("models of the backup have no folder here", file=file)
    path = (folder / file).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise CorruptArtifact("a file of a backup leads out of its folder", file=file)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("wb") as out:
            out.writelines(content)
    except AstridError:
        path.unlink()
        raise


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
