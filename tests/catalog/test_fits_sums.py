from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from astrid_core.catalog.exports.fits_sums import add_checksums


@pytest.mark.parametrize("seed", range(8))
def test_the_sums_are_those_of_astropy(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    path, theirs = tmp_path / "ours.fits", tmp_path / "theirs.fits"
    pixels = rng.integers(-(2**31), 2**31, size=(seed * 37, 11), dtype=np.int32)
    hdus = fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(pixels)])
    for hdu in hdus:
        hdu.header["CHECKSUM"], hdu.header["DATASUM"] = "0" * 16, "0"
    hdus.writeto(path)
    for hdu in hdus:
        hdu.add_checksum(when="checksum of the HDU")
    hdus.writeto(theirs)
    add_checksums(path)
    assert path.read_bytes() == theirs.read_bytes()
