"""Checksums of FITS files that are too large to be read whole (FITS 4.0, appendix J)."""

from pathlib import Path

import numpy as np
from astropy.io import fits

_CHUNK_BYTES = 2880 * 1024
_TOLD = "checksum of the HDU"
_PUNCTUATION = frozenset(range(0x3A, 0x41)) | frozenset(range(0x5B, 0x61))
"""What an encoded sum must not hold: only digits and letters survive every way of storing a header."""


def add_checksums(path: Path) -> None:
    """Write DATASUM and CHECKSUM into every header of a file, whose headers have room for both."""
    with fits.open(path, memmap=True) as hdus:
        # Without being asked for, the data are not read.
        places = [(hdu.header.copy(), hdu.fileinfo()) for hdu in hdus]
    with path.open("r+b") as file:
        for header, place in places:
            datasum = 0
            file.seek(place["datLoc"])
            for start in range(0, place["datSpan"], _CHUNK_BYTES):
                datasum = _sum(file.read(min(_CHUNK_BYTES, place["datSpan"] - start)), datasum)
            header["DATASUM"] = (str(datasum), _TOLD)
            header["CHECKSUM"] = ("0" * 16, _TOLD)
            whole = _sum(header.tostring().encode("ascii"), datasum)
            header["CHECKSUM"] = (_encoded(~whole & 0xFFFFFFFF), _TOLD)
            file.seek(place["hdrLoc"])
            file.write(header.tostring().encode("ascii"))


def _sum(content: bytes, before: int) -> int:
    """Return the sum of 32-bit words in ones' complement, continued."""
    total = before + int(np.frombuffer(content, dtype=">u4").sum(dtype=np.uint64))
    while total >> 32:
        total = (total & 0xFFFFFFFF) + (total >> 32)
    return total


def _encoded(value: int) -> str:
    """Return a sum as 16 letters and digits whose own sum, added to the rest of the header, makes up for it."""
    letters = [0] * 16
    for number in range(4):
        byte = value >> (24 - 8 * number) & 0xFF
        four = [byte // 4 + 0x30 + (byte % 4 if place == 0 else 0) for place in range(4)]
        while any(one in _PUNCTUATION for one in four):
            for first in (0, 2):
                if four[first] in _PUNCTUATION or four[first + 1] in _PUNCTUATION:
                    four[first] += 1
                    four[first + 1] -= 1
        for place, one in enumerate(four):
            letters[4 * place + number] = one
    # The standard turns them by one, so that they stand at a boundary of words in the card.
    return bytes(letters[-1:] + letters[:-1]).decode("ascii")
