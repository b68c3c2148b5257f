"""How artifacts are named in every store, and how their bytes are checked."""

import hashlib
import re

from astrid_core.shared.errors import CorruptArtifact

_DIGEST = re.compile(r"[0-9a-f]{64}")


def object_name(digest: str) -> str:
    """Return ``sha256/ab/cd/<digest>``: two levels of fan-out keep folders small."""
    if not _DIGEST.fullmatch(digest):
        message = f"not a SHA-256 digest: {digest!r}"
        raise ValueError(message)
    return f"sha256/{digest[:2]}/{digest[2:4]}/{digest}"


def digest_of(name: str) -> str | None:
    """Return the digest that an object or a file is named by; None for what is no artifact of ours."""
    last = name.rpartition("/")[2]
    return last if _DIGEST.fullmatch(last) else None


def verified(content: bytes, digest: str, *, where: str) -> bytes:
    """Return ``content``, or raise CorruptArtifact if it does not have ``digest``."""
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        raise CorruptArtifact(
            "stored bytes do not match their digest", digest=digest, found=found, where=where, n_bytes=len(content)
        )
    return content
