"""Maps beside the images of a folder: a.mask.fits, a_weight.fits and the like beside a.fits."""

import hashlib
import os
from pathlib import Path

from astrid_core.observations.entities import Companion
from astrid_core.observations.roles import Role, image_beside, names_beside

_LONGEST_NAME = 255
"""File systems refuse to look for longer ones."""


def is_map(path: Path) -> bool:
    """Tell whether a file belongs to an image that lies beside it, and so is no exposure of its own."""
    image = image_beside(path.name)
    return bool(image) and path.with_name(image).is_file()


def maps_beside(path: Path, archive_id: str) -> tuple[Companion, ...]:
    """Return the maps of an image, the first of each kind; OSError passes. Links are not followed."""
    folder = archive_id.rpartition("/")[0]
    found: dict[Role, Companion] = {}
    for role, name in names_beside(path.name):
        beside = path.with_name(name)
        if role in found or len(os.fsencode(name)) > _LONGEST_NAME or beside.is_symlink() or not beside.is_file():
            continue
        with beside.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        found[role] = Companion(role=role, archive_id=f"{folder}/{name}" if folder else name, digest=digest)
    return tuple(sorted(found.values(), key=lambda one: one.role.value))
