"""Encryption of files of any length, a piece at a time.

The STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizar (CRYPTO 2015) with AES-256-GCM: every file has a key
of its own, derived by HKDF-SHA256 from ours, a random salt and the file's name; its pieces of a MiB are numbered by
their nonces, the last one marked. So no piece can be altered, moved, repeated, cut off or brought from another file.
What is read of a piece is authentic; that nothing is missing is known behind the last one.

A file is ``ASTRID-SEALED-1`` and a line feed, 32 bytes of salt, and the pieces, each with a tag of 16 bytes. Nonces are
11 bytes of the number, high byte first, and one byte that is 1 for the last piece.
"""

import hashlib
import hmac
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from astrid_core.shared.errors import BadConfiguration, CorruptArtifact

_MAGIC = b"ASTRID-SEALED-1\n"
_KEY_BYTES = _SALT_BYTES = 32
_TAG_BYTES = 16
_PIECE_BYTES = 2**20


def new_key(path: Path) -> bytes:
    """Make a key, and a file that holds it for its owner only; FileExistsError never replaces one."""
    key = secrets.token_bytes(_KEY_BYTES)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(key.hex() + "\n")
        file.flush()
        os.fsync(descriptor)
    return key


def read_key(path: Path) -> bytes:
    """Return the key in a file; BadConfiguration for one that others may read, or that is none."""
    try:
        mode, text = path.stat().st_mode, path.read_text()
        key = bytes.fromhex(text)
    except (OSError, ValueError) as error:
        # The text of a ValueError may hold a part of the key: it is not repeated.
        cause = error.strerror if isinstance(error, OSError) else "not 64 hexadecimal digits"
        raise BadConfiguration("key file cannot be read", path=path, cause=cause) from None
    if len(key) != _KEY_BYTES:
        raise BadConfiguration("key file cannot be read", path=path, cause="not 64 hexadecimal digits")
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise BadConfiguration("key file can be read by others; chmod 600 it", path=path)
    return key


def name_of(key: bytes, digest: str) -> str:
    """Return a name for the bytes of ``digest`` that tells nothing without the key."""
    return hmac.new(_derived(key, salt=b"", name="names"), digest.encode(), hashlib.sha256).hexdigest()


def seal(chunks: Iterable[bytes], out: BinaryIO, *, key: bytes, name: str) -> None:
    """Encrypt ``chunks`` into ``out``."""
    salt = secrets.token_bytes(_SALT_BYTES)
    cipher = AESGCM(_derived(key, salt=salt, name=name))
    out.write(_MAGIC + salt)
    number, waiting = 0, bytearray()
    for chunk in chunks:
        waiting += chunk
        # More than a piece: whether it is the last one is known only then.
        while len(waiting) > _PIECE_BYTES:
            out.write(cipher.encrypt(_nonce(number, is_last=False), bytes(waiting[:_PIECE_BYTES]), _MAGIC))
            del waiting[:_PIECE_BYTES]
            number += 1
    out.write(cipher.encrypt(_nonce(number, is_last=True), bytes(waiting), _MAGIC))


def unseal(file: BinaryIO, *, key: bytes, name: str) -> Iterator[bytes]:
    """Yield what was sealed; CorruptArtifact for another key, another name, or a file that was altered."""
    magic, salt = file.read(len(_MAGIC)), file.read(_SALT_BYTES)
    if magic != _MAGIC or len(salt) != _SALT_BYTES:
        raise CorruptArtifact("not a sealed file", name=name)
    cipher = AESGCM(_derived(key, salt=salt, name=name))
    number, piece = 0, file.read(_PIECE_BYTES + _TAG_BYTES)
    while True:
        following = file.read(_PIECE_BYTES + _TAG_BYTES)
        try:
            yield cipher.decrypt(_nonce(number, is_last=not following), piece, _MAGIC)
        except (InvalidTag, ValueError) as error:
            raise CorruptArtifact("sealed with another key, or altered", name=name, piece=number) from error
        if not following:
            return
        number, piece = number + 1, following


def _derived(key: bytes, *, salt: bytes, name: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=salt, info=_MAGIC + name.encode()).derive(key)


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])
