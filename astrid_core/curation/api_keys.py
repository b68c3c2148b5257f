"""Keys for programs: what is kept of one, what is shown of it once, and whether one that is shown is it.

A secret is 256 random bits: nobody can try them all, and a hash that is slow on purpose would only make every request
slow. One SHA-256 is enough; its salt is the identity of its key, which no other key shares.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from astrid_core.curation.access import Permission

SECRET_BYTES = 32
LONGEST_LIFE = timedelta(days=366)
"""No key works for longer than this."""
_SHOWN = re.compile(r"astrid_([0-9a-f]{16})_([A-Za-z0-9_-]{43})", flags=re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """What is kept of a key; the secret is not."""

    id: str
    """16 hexadecimal digits; no secret."""
    owner: str
    """Login of whom it acts for, within the roles that they have at that time."""
    name: str
    """What it is for, in the owner's words."""
    digest: str
    """Of its secret."""
    scopes: frozenset[Permission]
    """All that it may be used for."""
    created: datetime
    expires: datetime
    revoked: datetime | None = None
    last_used: datetime | None = None
    """To the minute or so."""

    def refusal(self, at: datetime) -> str:
        """Return why it is of no use at this time; empty where it is."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if at >= self.expires else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownKey:
    """A key as a program shows it: identity and secret."""

    id: str
    secret: str

    def __repr__(self) -> str:
        return f"ShownKey(id={self.id!r})"

    @property
    def text(self) -> str:
        """The one line that its owner keeps."""
        return f"astrid_{self.id}_{self.secret}"

    @property
    def digest(self) -> str:
        """What is kept of it."""
        return hashlib.sha256(f"astrid key\n{self.id}\n{self.secret}".encode()).hexdigest()

    def opens(self, key: ApiKey) -> bool:
        """Tell whether it is this key, in a time that tells nothing about the secret."""
        return hmac.compare_digest(self.digest, key.digest)


def read_key(text: str) -> ShownKey | None:
    """Return the key that somebody shows; None for anything that is none of ours."""
    found = _SHOWN.fullmatch(text)
    return None if found is None else ShownKey(id=found[1], secret=found[2])
